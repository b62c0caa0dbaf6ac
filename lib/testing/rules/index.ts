/** All rules, in the order in which they are best read. */
import type { Rule } from '../harness.js';
import { contractRules } from './contract.js';
import { endingRules } from './endings.js';
import { leaseRules } from './leases.js';
import { leavingRules } from './leaving.js';
import { lineInTimeRules } from './line-in-time.js';
import { lineRules } from './line.js';
import { nameRules } from './names.js';
import { tokenRules } from './tokens.js';

export const conformanceRules: readonly Rule[] = [
  ...contractRules,
  ...nameRules,
  ...leaseRules,
  ...tokenRules,
  ...endingRules,
  ...lineRules,
  ...lineInTimeRules,
  ...leavingRules,
];
