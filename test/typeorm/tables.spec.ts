/** How the tables come to be, and how names leave them again. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import type { LockDriver } from '../../lib/core/lock-driver.js';
import { LockOptionsError } from '../../lib/core/lock-errors.js';
import { dialectOf } from '../../lib/drivers/typeorm/dialects.js';
import { DistributedLockMigration, typeOrmLocks } from '../../lib/drivers/typeorm/index.js';
import { lockTables } from '../../lib/drivers/typeorm/lock-tables.js';
import type { SqlStore } from '../../lib/drivers/typeorm/sql-dialect.js';
import { DATABASES } from './support/databases.js';

/** Where the highest token of a name is kept. */
const HIGHEST = { PostgreSQL: 'highest', MariaDB: 'token', SQLite: 'highest_token' } as const;

describe.each(DATABASES)('the tables on %s', (title, newDatabase) => {
  const database = newDatabase();
  let dataSource: DataSource;
  let drivers = 0;

  beforeAll(async () => {
    await database.start();
    dataSource = await database.dataSource();
  }, 120_000);
  afterAll(() => database.stop(), 60_000);

  async function opened(options: object): Promise<LockDriver> {
    const driver = typeOrmLocks({ dataSource, ...options });
    await driver.open(`h:1:${(drivers += 1)}`);
    return driver;
  }

  async function takesAndGives(driver: LockDriver, name = 'n'): Promise<number> {
    const owner = `h:1:x:${(drivers += 1)}`;
    const rest = {
      ttlMs: 60_000,
      line: 'none',
      tokens: 1_000,
      atMostMs: null,
      note: null,
    } as const;
    const answer = await driver.acquire({ name, owner, ...rest });
    if (!answer.granted) throw new Error('not granted');
    const { token } = answer;
    await driver.release({ name, owner, error: null, token, atLeastMs: 0, rejoin: null });
    return token;
  }

  it('are made by twenty starters at once, and serve each of them', async () => {
    const starters = Array.from({ length: 20 }, (_, n) => {
      const driver = typeOrmLocks({ dataSource, table: 'crowd', poolSize: 1 });
      return driver.open(`h:1:starter-${n}`).then(() => driver);
    });

    const crowd = await Promise.all(starters);

    for (const [n, driver] of crowd.entries()) await takesAndGives(driver, `crowd:${n}`);
    await Promise.all(crowd.map((driver) => driver.close()));
  }, 60_000);

  it('are made by the migration, and taken away by it', async () => {
    class Locks extends DistributedLockMigration {
      protected override readonly table = 'migrated';
    }
    const runner = dataSource.createQueryRunner();

    await new Locks().up(runner);
    const driver = await opened({ table: 'migrated', createTable: false });
    await takesAndGives(driver);
    await driver.close();
    await new Locks().down(runner);

    await expect(opened({ table: 'migrated', createTable: false })).rejects.toThrow(/createTable/);
    await runner.release();
  });

  it('are asked for by the statements that make them, which may be run by hand', async () => {
    const failure = await opened({ table: 'by_hand', createTable: false }).catch(
      (error: unknown) => error,
    );

    expect(failure).toBeInstanceOf(LockOptionsError);
    const { message } = failure as Error;
    expect(message).toMatch(/createTable must be true, or the tables must be made first/);
    expect(message).toMatch(/Run the migration DistributedLockMigration, or:\nCREATE TABLE/);
    const statements = dialectOf(dataSource).createStatements(lockTables('by_hand'));
    for (const statement of statements) {
      expect(message).toContain(statement);
      await dataSource.query(statement);
    }
    const driver = await opened({ table: 'by_hand', createTable: false });
    await takesAndGives(driver);
    await driver.close();
  });

  it('are refused when they are of another shape', async () => {
    const driver = await opened({ table: 'outdated' });
    await driver.close();
    await dataSource.query('ALTER TABLE outdated DROP COLUMN note');

    const opening = opened({ table: 'outdated', createTable: false });

    await expect(opening).rejects.toThrow(/they are missing or outdated/);
  });

  it('keep their names, which a careless name cannot leave', () => {
    for (const table of ['x; DROP TABLE y', 'a"b', '', 'a.b.c', 'x'.repeat(41), '1x']) {
      expect(() => typeOrmLocks({ dataSource, table })).toThrow(LockOptionsError);
    }
  });

  describe('when they are cleaned up', () => {
    let store: SqlStore;
    let driver: LockDriver;

    beforeAll(async () => {
      driver = await opened({ table: 'swept' });
      const tables = lockTables('swept');
      const connection = 'own';
      store = dialectOf(dataSource).connect({ dataSource, tables, connection, poolSize: 1 });
      await store.open();
    });
    afterAll(async () => {
      await driver.close();
      await store.close();
    });

    const remembered = async (name: string): Promise<boolean> =>
      (await driver.inspect(name)).token !== null;
    const sweep = async (idleMs: number): Promise<void> => {
      for (let n = 0; n < 20; n += 1) if ((await store.cleanUp(idleMs, 10)) < 10) return;
    };

    it('forget names that nobody uses, a few at a time', async () => {
      for (let n = 0; n < 35; n += 1) await takesAndGives(driver, `idle:${n}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const idle = (): Promise<number> =>
        Promise.all(Array.from({ length: 35 }, (_, n) => remembered(`idle:${n}`))).then(
          (all) => all.filter(Boolean).length,
        );

      await store.cleanUp(1, 10);
      const afterOne = await idle();
      await sweep(1);

      expect(afterOne).toBeGreaterThanOrEqual(25);
      expect(await idle()).toBe(0);
    });

    it('never let a token fall, even one that ran ahead of the clock', async () => {
      const highest = await takesAndGives(driver, 'fast');
      const ahead = highest + 3_600_000_000;
      const column = HIGHEST[title];
      await dataSource.query(`UPDATE swept SET ${column} = ${ahead} WHERE ${column} >= ${highest}`);
      await new Promise((resolve) => setTimeout(resolve, 20));

      await sweep(1);

      expect(await takesAndGives(driver, 'fast')).toBeGreaterThan(ahead);
    });

    it('keep what is held, waited for, or has an ending to tell', async () => {
      const rest = { ttlMs: 60_000, tokens: 1, atMostMs: null, note: null } as const;
      await driver.acquire({ name: 'held', owner: 'h:1:s:1', line: 'join', ...rest });
      await driver.acquire({ name: 'held', owner: 'h:1:s:2', line: 'join', ...rest });
      await driver.acquire({ name: 'failed', owner: 'h:1:s:3', line: 'join', ...rest });
      const error = { name: 'Error', message: 'no' };
      const release = { owner: 'h:1:s:3', error, token: 1, atLeastMs: 0, rejoin: null };
      await driver.release({ name: 'failed', ...release });
      await new Promise((resolve) => setTimeout(resolve, 20));

      await sweep(1);

      expect(await driver.inspect('held')).toMatchObject({ phase: 'held', waiting: 1 });
      expect((await driver.inspect('failed')).ending?.how).toBe('failed');
    });
  });
});
