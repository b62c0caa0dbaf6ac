/** The conformance kit on the TypeORM driver with a real MariaDB. */
import { describeLockDriver } from '../../lib/testing/index.js';
import { mariaDbHarness } from '../typeorm/support/mariadb-harness.js';

describeLockDriver('the TypeORM driver on MariaDB', mariaDbHarness);
