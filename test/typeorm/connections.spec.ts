/** Whose connections the locks use, and what the application's own do to them: nothing. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { AcquireRequest, LockDriver } from '../../lib/core/lock-driver.js';
import { LockOptionsError } from '../../lib/core/lock-errors.js';
import { typeOrmLocks } from '../../lib/drivers/typeorm/index.js';
import { startMariaDb, startPostgres } from '../support/servers/index.mjs';
import { DATABASES } from './support/databases.js';

const asks = (name: string, owner: string): AcquireRequest => ({
  ...{ name, owner, ttlMs: 60_000, line: 'none', tokens: 1, atMostMs: null, note: null },
});
const gives = (name: string, owner: string) =>
  ({ name, owner, error: null, token: 1, atLeastMs: 0, rejoin: null }) as const;

describe.each(DATABASES)('locks on %s', (title, newDatabase) => {
  const database = newDatabase();
  let opened = 0;
  beforeAll(() => database.start(), 120_000);
  afterAll(() => database.stop(), 60_000);

  async function locksOf(dataSource: DataSource, options: object = {}): Promise<LockDriver> {
    const driver = typeOrmLocks({ dataSource, ...options });
    await driver.open(`h:1:${(opened += 1)}`);
    return driver;
  }

  it('neither join nor wait for an open transaction of the application', async () => {
    const dataSource = await database.dataSource();
    const driver = await locksOf(dataSource);
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.query('SELECT 1');

    const { granted } = await driver.acquire(asks('a', 'h:1:x:1'));
    await runner.rollbackTransaction();

    expect(granted).toBe(true);
    expect((await driver.inspect('a')).owner).toBe('h:1:x:1');
    await runner.release();
    await driver.close();
  });

  it('go on when the application has used up its pool', async () => {
    const dataSource = await database.dataSource({ poolSize: 1 });
    const driver = await locksOf(dataSource);
    await driver.acquire(asks('b', 'h:1:x:1'));
    const runner = dataSource.createQueryRunner();
    await runner.connect();

    const renewed = await driver.renew([
      { name: 'b', owner: 'h:1:x:1', ttlMs: 60_000, atMostMs: null },
    ]);

    expect(renewed).toEqual([true]);
    await runner.release();
    await driver.close();
  });

  it('leave the data source of the application open', async () => {
    const dataSource = await database.dataSource();
    for (const connection of ['own', 'shared'] as const) {
      const driver = await locksOf(dataSource, { connection });
      await driver.acquire(asks('c', `h:1:x:${connection}`));
      await driver.close();
      await driver.close();
    }

    expect(dataSource.isInitialized).toBe(true);
    expect(await dataSource.query('SELECT 1 AS one')).toHaveLength(1);
  });

  it('work on the pool of the application where that is asked for', async () => {
    const dataSource = await database.dataSource();
    const shared = await locksOf(dataSource, { connection: 'shared' });
    const own = await locksOf(dataSource);

    expect((await shared.acquire(asks('d', 'h:1:x:1'))).granted).toBe(true);
    expect((await own.acquire(asks('d', 'h:1:x:2'))).granted).toBe(false);
    expect((await shared.release(gives('d', 'h:1:x:1'))).released).toBe(true);
    expect((await own.acquire(asks('d', 'h:1:x:2'))).granted).toBe(true);

    await shared.close();
    await own.close();
  });

  it('lose no connection of a pool of one to 1,000 busy tries', async () => {
    const dataSource = await database.dataSource();
    const holder = await locksOf(dataSource);
    const driver = await locksOf(dataSource, { poolSize: 1 });
    await holder.acquire(asks('e', 'h:1:x:0'));

    const tries = Array.from({ length: 1_000 }, (_, n) =>
      driver.acquire(asks('e', `h:1:x:${n + 1}`)),
    );
    const granted = (await Promise.all(tries)).filter((answer) => answer.granted);

    expect(granted).toEqual([]);
    expect((await driver.acquire(asks('f', 'h:1:x:1'))).granted).toBe(true);
    expect((await driver.inspect('e')).waiting).toBe(0);
    await holder.close();
    await driver.close();
  }, 60_000);

  it('ask for a data source that is initialised', async () => {
    const dataSource = new DataSource(database.options);
    const driver = typeOrmLocks({ dataSource });

    await expect(driver.open('h:1:y')).rejects.toThrow(/dataSource must be initialised before/);
    await dataSource.initialize();
    await driver.open('h:1:y');

    expect((await driver.acquire(asks('g', 'h:1:y:1'))).granted).toBe(true);
    await driver.close();
    await dataSource.destroy();
  });

  it('name their store', async () => {
    const dataSource = await database.dataSource();

    expect(typeOrmLocks({ dataSource }).storeName).toContain(title === 'MariaDB' ? 'M' : title);
  });
});

describe('typeOrmLocks', () => {
  it('refuses databases that it does not speak, and says which it does', () => {
    for (const type of ['oracle', 'mongodb', 'mssql', 'sqljs']) {
      const dataSource = { options: { type } as DataSourceOptions } as DataSource;

      expect(() => typeOrmLocks({ dataSource })).toThrow(
        new RegExp(`dataSource.options.type must be one of .*postgres.*; got "${type}"`),
      );
    }
  });

  it('refuses what is no data source, and options that cannot be meant', () => {
    const dataSource = new DataSource({ type: 'postgres' });
    const wrong: readonly object[] = [
      {},
      { dataSource: 'postgres://localhost' },
      { dataSource, connection: 'other' },
      { dataSource, poolSize: 0 },
      { dataSource, poolSize: 1.5 },
      { dataSource, createTable: 'yes' },
      { dataSource, table: 7 },
    ];

    for (const options of wrong) {
      expect(() => typeOrmLocks(options as { dataSource: DataSource })).toThrow(LockOptionsError);
    }
  });
});

it.each([
  ['PostgreSQL', 'postgres', startPostgres],
  ['MariaDB', 'mariadb', startMariaDb],
] as const)(
  'leave the error log of %s empty, from the first start through 1,000 busy tries',
  async (_, type, start) => {
    const server = await start();
    const { host, port, user: username, password, database } = server;
    const before = server.log().length;
    const dataSource = new DataSource({ type, host, port, username, password, database });
    await dataSource.initialize();
    const drivers = Array.from({ length: 5 }, () => typeOrmLocks({ dataSource }));

    await Promise.all(drivers.map((driver, n) => driver.open(`h:1:${n}`)));
    await drivers[0]?.acquire(asks('a', 'h:1:0:0'));
    for (let n = 0; n < 200; n += 1) {
      await Promise.all(drivers.map((driver, d) => driver.acquire(asks('a', `h:1:${d}:${n + 1}`))));
    }
    await Promise.all(drivers.map((driver) => driver.close()));
    await dataSource.destroy();

    const complaints = server
      .log()
      .slice(before)
      .split('\n')
      .filter((line) => /ERROR|WARNING|FATAL|PANIC/i.test(line))
      // Who asked whether the server is up.
      .filter((line) => !line.includes("user: 'root'"));
    await server.stop();
    expect(complaints).toEqual([]);
  },
  120_000,
);
