/** The fenced transaction: it commits while the lock is held, and at no other time. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource, EntityManager } from 'typeorm';
import { Locks } from '../../lib/core/locks.js';
import { LockLostError, LockOptionsError } from '../../lib/core/lock-errors.js';
import { memoryLocks } from '../../lib/drivers/memory/index.js';
import { fencedTransaction, typeOrmLocks } from '../../lib/drivers/typeorm/index.js';
import { locationOf } from '../../lib/drivers/typeorm/typeorm-driver.js';
import { eventually } from '../support/eventually.js';
import { DATABASES, newMariaDb, newPostgres, newSqlite } from './support/databases.js';

const LONG = { ttlMs: 60_000, waitMs: 30_000 };

describe.each(DATABASES)('fencedTransaction on %s', (title, newDatabase) => {
  const database = newDatabase();
  let dataSource: DataSource;
  let locks: Locks;
  let others: Locks;
  let n = 0;
  const nextName = (): string => `account:${(n += 1)}`;

  beforeAll(async () => {
    await database.start();
    dataSource = await database.dataSource();
    await dataSource.query('CREATE TABLE work (name varchar(100) PRIMARY KEY, amount int)');
    locks = new Locks({ driver: typeOrmLocks({ dataSource }) });
    others = new Locks({ driver: typeOrmLocks({ dataSource: await database.dataSource() }) });
    await locks.open();
    await others.open();
  }, 120_000);
  afterAll(async () => {
    await locks.close();
    await others.close();
    await database.stop();
  }, 60_000);

  const write = async (manager: EntityManager, name: string, amount = 1): Promise<void> => {
    await manager.query(`INSERT INTO work (name, amount) VALUES ('${name}', ${amount})`);
  };
  const written = async (name: string): Promise<number> =>
    (await dataSource.query<unknown[]>(`SELECT amount FROM work WHERE name = '${name}'`)).length;

  it('commits what was done while the lock was held, and answers the result', async () => {
    const name = nextName();
    const lock = await locks.acquire(name, LONG);

    const result = await fencedTransaction(dataSource, lock, async (manager) => {
      await write(manager, name);
      return 'done';
    });

    expect(result).toBe('done');
    expect(await written(name)).toBe(1);
    expect(lock.held).toBe(true);
    await lock.release();
  });

  it('passes an error of the work through, untouched, and rolls back', async () => {
    const name = nextName();
    const lock = await locks.acquire(name, LONG);
    const failure = new Error('no such account');

    const running = fencedTransaction(dataSource, lock, async (manager) => {
      await write(manager, name);
      throw failure;
    });

    await expect(running).rejects.toBe(failure);
    expect(await written(name)).toBe(0);
    await lock.release();
  });

  it('rolls back when the lock was given back meanwhile', async () => {
    const name = nextName();
    const lock = await locks.acquire(name, LONG);

    const running = fencedTransaction(dataSource, lock, async (manager) => {
      await manager.query('SELECT 1');
      await lock.release();
      await write(manager, name);
    });

    await expect(running).rejects.toBeInstanceOf(LockLostError);
    expect(await written(name)).toBe(0);
  });

  it('refuses at once when the lock was forced free before', async () => {
    const name = nextName();
    const lock = await locks.acquire(name, { ...LONG, renew: false });
    await others.forceRelease(name);
    let called = false;

    const running = fencedTransaction(dataSource, lock, () => {
      called = true;
      return Promise.resolve();
    });

    // Its own process does not know yet: the proof is the database's.
    expect(lock.held).toBe(true);
    await expect(running).rejects.toBeInstanceOf(LockLostError);
    expect(called).toBe(false);
  });

  it('rolls back when another has taken the lock over meanwhile, who is not disturbed', async () => {
    const name = nextName();
    const lock = await locks.acquire(name, { ...LONG, renew: false });
    const takeOver = async (): Promise<void> => {
      await others.forceRelease(name);
      await others.acquire(name, LONG);
    };
    // On SQLite nobody else writes during a transaction, so nothing is taken over meanwhile.
    if (title === 'SQLite') await takeOver();

    const running = fencedTransaction(dataSource, lock, async (manager) => {
      if (title !== 'SQLite') await takeOver();
      await write(manager, name);
    });

    await expect(running).rejects.toMatchObject({ code: 'LOCK_LOST', lockName: name });
    expect(await written(name)).toBe(0);
    expect((await others.inspect(name)).phase).toBe('held');
  });

  it('refuses a lock that lives in another database, or in none', async () => {
    const elsewhere = newDatabase();
    await elsewhere.start();
    const other = await elsewhere.dataSource();
    const inMemory = new Locks({ driver: memoryLocks() });
    await inMemory.open();
    const ours = await locks.acquire(nextName(), LONG);
    const memory = await inMemory.acquire('m', LONG);
    const nothing = (): Promise<void> => Promise.reject(new Error('it must not run'));

    const outcomes = [
      () => fencedTransaction(other, ours, nothing),
      () => fencedTransaction(dataSource, memory, nothing),
    ];

    for (const outcome of outcomes)
      await expect(outcome()).rejects.toBeInstanceOf(LockOptionsError);
    await expect(fencedTransaction(other, ours, nothing)).rejects.toThrow(
      /must be connected to the database that lock "account:\d+" lives in/,
    );
    await ours.release();
    await inMemory.close();
    await elsewhere.stop();
  });

  it('refuses it also where that database has lock tables of its own', async () => {
    const elsewhere = newDatabase();
    await elsewhere.start();
    const other = await elsewhere.dataSource();
    const driver = typeOrmLocks({ dataSource: other });
    await driver.open('h:1:elsewhere');
    const ours = await locks.acquire(nextName(), LONG);

    const running = fencedTransaction(other, ours, () => Promise.resolve());

    await expect(running).rejects.toThrow(/must be connected to the database that lock/);
    await ours.release();
    await driver.close();
    await elsewhere.stop();
  });

  it('takes no lease for held that ran out, nor another owner or token, nobody having it', async () => {
    const driver = typeOrmLocks({ dataSource });
    await driver.open('h:1:proof');
    const location = locationOf(driver);
    const granted = await driver.acquire({
      ...{ name: 'proof', owner: 'h:1:proof:1', ttlMs: 700, line: 'none', tokens: 1 },
      ...{ atMostMs: null, note: null },
    });
    const token = granted.granted ? granted.token : 0;
    const proof = (over: object = {}): Promise<boolean | undefined> =>
      dataSource.transaction(async (manager) => {
        const hold = { name: 'proof', owner: 'h:1:proof:1', token, ...over };
        return location?.dialect.fence(manager, location.tables, hold);
      });

    const held = await proof();
    const others = [await proof({ owner: 'h:1:proof:2' }), await proof({ token: token - 1 })];
    await new Promise((resolve) => setTimeout(resolve, 750));
    const expired = await proof();

    expect({ held, others, expired }).toEqual({
      held: true,
      others: [false, false],
      expired: false,
    });
    await driver.close();
  });

  // A writer of SQLite excludes all others for as long as its transaction is open.
  if (title !== 'SQLite') {
    it('lets renewals go on during long work', async () => {
      const name = nextName();
      const lock = await locks.acquire(name, { ttlMs: 1_200 });

      await fencedTransaction(dataSource, lock, async (manager) => {
        await write(manager, name);
        await new Promise((resolve) => setTimeout(resolve, 3_000));
      });

      expect(await written(name)).toBe(1);
      await lock.release();
    });
  }
});

describe.each([
  ['PostgreSQL', newPostgres],
  ['MariaDB', newMariaDb],
] as const)('a takeover on %s', (_title, newDatabase) => {
  it('waits for the commit of a fenced transaction that has proved its lock', async () => {
    const database = newDatabase();
    await database.start();
    const dataSource = await database.dataSource();
    const driver = typeOrmLocks({ dataSource });
    const locks = new Locks({ driver });
    await locks.open();
    const lock = await locks.acquire('account', { ttlMs: 60_000 });
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    // What `fencedTransaction` does last; a commit takes its time.
    const location = locationOf(driver);
    const { name, owner, lease } = lock;
    const hold = { name, owner, token: lease.token };
    expect(await location?.dialect.fence(runner.manager, location.tables, hold)).toBe(true);
    let forced = false;

    const takeover = driver.forceRelease('account').then(() => (forced = true));
    const other = driver.acquire({
      ...{ name: 'other', owner: 'h:1:x:1', ttlMs: 1_000, line: 'none', tokens: 1 },
      ...{ atMostMs: null, note: null },
    });
    const { granted } = await other;
    await new Promise((resolve) => setTimeout(resolve, 300));
    const forcedBefore = forced;
    await runner.commitTransaction();
    await eventually(() => forced);

    expect([granted, forcedBefore]).toEqual([true, false]);
    await takeover;
    await runner.release();
    await locks.close();
    await database.stop();
  }, 60_000);
});

it('is proved on SQLite, too, by a lock of the same file in another data source', async () => {
  const database = newSqlite();
  await database.start();
  const dataSource = await database.dataSource();
  const locks = new Locks({ driver: typeOrmLocks({ dataSource: await database.dataSource() }) });
  await locks.open();
  const lock = await locks.acquire('account', LONG);

  expect(await fencedTransaction(dataSource, lock, () => Promise.resolve(7))).toBe(7);

  await locks.close();
  await database.stop();
});
