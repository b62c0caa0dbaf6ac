/** Who takes part on MariaDB, in the order of the tables. No other library was found that does. */
import type { Contender } from '../harness/contract.js';
import { bareMariaDbLine } from './bare-mariadb-line.js';
import { bareGetLock, bareMariaDb } from './bare-mariadb.js';
import { oursOnMariaDb } from './ours-on-stores.js';

export const contenders: readonly Contender[] = [
  bareMariaDb,
  bareGetLock,
  bareMariaDbLine,
  oursOnMariaDb,
];
