/** The conformance kit on the TypeORM driver with a real SQLite file. */
import { describeLockDriver } from '../../lib/testing/index.js';
import { sqliteHarness } from '../typeorm/support/sqlite-harness.js';

describeLockDriver('the TypeORM driver on SQLite', sqliteHarness);
