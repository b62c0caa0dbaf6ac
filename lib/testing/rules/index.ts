/** The rules, gathered. */
import type { Rule } from '../harness.js';
import { contentionRules } from './contention.js';
import { contractRules } from './contract.js';
import { coreInTimeRules } from './core-in-time.js';
import { coreInTroubleRules } from './core-in-trouble.js';
import { coreRules } from './core.js';
import { costRules } from './cost.js';
import { endingRules } from './endings.js';
import { leaseRules } from './leases.js';
import { leavingRules } from './leaving.js';
import { lineInTimeRules } from './line-in-time.js';
import { lineRules } from './line.js';
import { nameRules } from './names.js';
import { outsideRules } from './outside.js';
import { referenceRules } from './reference.js';
import { tokenRules } from './tokens.js';
import { watchingRules } from './watching.js';
import { faultRules } from './faults.js';

/** All rules of the kit, in the order in which they are best read. */
export const conformanceRules: readonly Rule[] = [
  ...contractRules,
  ...nameRules,
  ...leaseRules,
  ...tokenRules,
  ...endingRules,
  ...lineRules,
  ...lineInTimeRules,
  ...leavingRules,
  ...outsideRules,
  ...watchingRules,
  ...contentionRules,
  ...costRules,
  ...referenceRules,
  ...faultRules,
  ...coreRules,
  ...coreInTimeRules,
  ...coreInTroubleRules,
];
