/** The functions in PostgreSQL, of which a database may have those of several releases. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { DistributedLockMigration, typeOrmLocks } from '../../lib/drivers/typeorm/index.js';
import { lockTables } from '../../lib/drivers/typeorm/lock-tables.js';
import { postgresDialect } from '../../lib/drivers/typeorm/postgres/postgres-dialect.js';
import { newPostgres } from './support/databases.js';

const database = newPostgres();
let dataSource: DataSource;

beforeAll(async () => {
  await database.start();
  dataSource = await database.dataSource();
}, 120_000);
afterAll(() => database.stop(), 60_000);

/** Without their version. */
const KINDS = ['holds', 'run', 'step'].map((kind) => `${kind}_########`);

async function functionsOf(table: string): Promise<readonly string[]> {
  const text = `SELECT proname FROM pg_proc WHERE proname LIKE '${table}\\_%' ORDER BY proname`;
  const rows = await dataSource.query<readonly { proname: string }[]>(text);
  return rows.map(({ proname }) => proname.slice(table.length + 1));
}

const withoutVersion = (names: readonly string[]): readonly string[] =>
  names.map((name) => name.replace(/[0-9a-f]{8}$/, '########'));

it('stand beside those of another release, on the same tables', async () => {
  await dataSource.query(
    'CREATE FUNCTION shared_run_v1() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
  );

  const driver = typeOrmLocks({ dataSource, table: 'shared' });
  await driver.open('h:1:1');
  await driver.close();

  expect(withoutVersion(await functionsOf('shared'))).toEqual([...KINDS, 'run_v1'].sort());
});

it('have the same version whatever the table is called', async () => {
  for (const table of ['one', 'two']) {
    for (const statement of postgresDialect.createStatements(lockTables(table))) {
      await dataSource.query(statement);
    }
  }

  expect(withoutVersion(await functionsOf('one'))).toEqual(KINDS);
  expect(await functionsOf('two')).toEqual(await functionsOf('one'));
});

it('are missed by a release that finds only those of another, and may not make its own', async () => {
  const migration = new (class extends DistributedLockMigration {
    protected override readonly table = 'upgraded';
  })();
  const runner = dataSource.createQueryRunner();
  await migration.up(runner);
  const step = (await functionsOf('upgraded')).find((name) => name.startsWith('step_')) ?? '';
  await runner.query(`ALTER FUNCTION upgraded_${step} RENAME TO upgraded_step_old`);

  const tooEarly = typeOrmLocks({ dataSource, table: 'upgraded', createTable: false });
  await expect(tooEarly.open('h:1:2')).rejects.toThrow(/missing or outdated/);
  await migration.up(runner);
  await tooEarly.open('h:1:2');
  await tooEarly.close();

  await migration.down(runner);
  expect(await functionsOf('upgraded')).toEqual([]);
  await runner.release();
});
