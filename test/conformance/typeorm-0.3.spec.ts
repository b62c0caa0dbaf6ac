/** A shorter run of the kit on TypeORM 0.3: what the driver uses of it is all there. */
import { DataSource } from 'typeorm-0.3';
import { conformanceRules, describeLockDriver } from '../../lib/testing/index.js';
import { mariaDbHarness } from '../typeorm/support/mariadb-harness.js';
import { postgresHarness } from '../typeorm/support/postgres-harness.js';
import { sqliteHarness } from '../typeorm/support/sqlite-harness.js';

const GROUPS = ['Contract', 'Tokens', 'Endings', 'The line', 'Seen from outside'];
const rules = conformanceRules.filter(({ group }) => GROUPS.includes(group));
const old = DataSource as unknown as Parameters<typeof postgresHarness>[0];

for (const [title, harness] of [
  ['PostgreSQL', postgresHarness],
  ['MariaDB', mariaDbHarness],
  ['SQLite', sqliteHarness],
] as const) {
  describeLockDriver(
    `the TypeORM driver on TypeORM 0.3 and ${title}`,
    () => ({ ...harness(old), scale: 0.1 }),
    rules,
  );
}
