/** Who takes part on PostgreSQL, in the order of the tables. */
import type { Contender } from '../harness/contract.js';
import { advisoryLock } from './advisory-lock.js';
import { barePostgresLine } from './bare-postgres-line.js';
import { bareAdvisory, barePostgres } from './bare-postgres.js';
import { oursOnPostgres } from './ours-on-stores.js';
import { verrousOnPostgres } from './verrou.js';

export const contenders: readonly Contender[] = [
  barePostgres,
  bareAdvisory,
  barePostgresLine,
  oursOnPostgres,
  ...verrousOnPostgres,
  advisoryLock,
];
