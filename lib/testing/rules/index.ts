/** All rules, in the order in which they are best read. */
import type { Rule } from '../harness.js';
import { contractRules } from './contract.js';

export const conformanceRules: readonly Rule[] = [...contractRules];
