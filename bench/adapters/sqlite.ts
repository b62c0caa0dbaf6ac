/** Who takes part on SQLite, in the order of the tables. No other library was found that does. */
import type { Contender } from '../harness/contract.js';
import { bareSqlite } from './bare-sqlite.js';
import { oursOnSqlite } from './ours-on-stores.js';

export const contenders: readonly Contender[] = [bareSqlite, oursOnSqlite];
