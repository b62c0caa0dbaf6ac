/** The conformance kit on the TypeORM driver with a real PostgreSQL. */
import { describeLockDriver } from '../../lib/testing/index.js';
import { postgresHarness } from '../typeorm/support/postgres-harness.js';

describeLockDriver('the TypeORM driver on PostgreSQL', postgresHarness);
