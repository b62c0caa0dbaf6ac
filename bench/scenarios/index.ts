/** All scenarios, in the order of the report. */
import type { Scenario } from '../harness/contract.js';
import { hotNameOneProcess } from './hot-name-one-process.js';
import { hotNameTenProcesses } from './hot-name-ten-processes.js';
import { idle } from './idle.js';
import { memory } from './memory.js';
import { pairs } from './pairs.js';
import { renewing } from './renewing.js';
import { tenInstanceRace } from './ten-instance-race.js';

export const scenarios: readonly Scenario[] = [
  pairs,
  hotNameOneProcess,
  hotNameTenProcesses,
  tenInstanceRace,
  renewing,
  memory,
  idle,
];
