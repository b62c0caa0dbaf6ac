/** All rules, in the order in which they are best read. */
import type { Rule } from '../harness.js';
import { contractRules } from './contract.js';

/** All rules of the kit, in the order in which they are run. */
export const conformanceRules: readonly Rule[] = [...contractRules];
