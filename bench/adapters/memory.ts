/** The layers of our own library over its driver in memory: what each of them adds. */
import type { Contender } from '../harness/contract.js';
import { layers } from './layers.js';

export const contenders: readonly Contender[] = layers;
