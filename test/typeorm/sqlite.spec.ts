/** What is particular about SQLite: one writer a file, no push, and everything in this process. */
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import Database from 'libsql';
import { DataSource } from 'typeorm';
import type { AcquireRequest, LockDriver, Wake } from '../../lib/core/lock-driver.js';
import { Locks } from '../../lib/core/locks.js';
import { typeOrmLocks } from '../../lib/drivers/typeorm/index.js';
import { pacedLookMs } from '../../lib/drivers/typeorm/sqlite/sqlite-lookout.js';
import { eventually } from '../support/eventually.js';
import { newSqlite } from './support/databases.js';

const database = newSqlite();
let dataSource: DataSource;
const drivers: LockDriver[] = [];
let processes = 0;

beforeEach(async () => {
  await database.start();
  dataSource = await database.dataSource();
});
afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.close();
  await database.stop();
});

async function newDriver(from = dataSource, options: object = {}): Promise<LockDriver> {
  const driver = typeOrmLocks({ dataSource: from, ...options });
  drivers.push(driver);
  await driver.open(`h:${(processes += 1)}:x`);
  return driver;
}

function request(name: string, owner: string, over: Partial<AcquireRequest> = {}): AcquireRequest {
  const all = { ttlMs: 60_000, line: 'none', tokens: 1, atMostMs: null, note: null } as const;
  return { name, owner, ...all, ...over };
}

/** Another process that writes: its own handle on the file. */
function otherWriter(): { begin(): void; commit(): void; close(): void } {
  const handle = new Database(String(database.options.database));
  return {
    begin: () => handle.exec('BEGIN IMMEDIATE'),
    commit: () => handle.exec('COMMIT'),
    close: () => handle.close(),
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

it('waits for a busy file without holding the event loop up', async () => {
  const driver = await newDriver();
  const writer = otherWriter();
  let ticks = 0;
  const ticking = setInterval(() => (ticks += 1), 5);

  writer.begin();
  const acquiring = driver.acquire(request('n', 'h:1:x:1'));
  await pause(400);
  const ticksMeanwhile = ticks;
  writer.commit();
  const answer = await acquiring;

  clearInterval(ticking);
  writer.close();
  expect(answer.granted).toBe(true);
  // 80 on an idle machine; SQLite's own waiting would have left none.
  expect(ticksMeanwhile).toBeGreaterThan(15);
});

it('answers a store error in bounded time when the file stays busy', async () => {
  const driver = await newDriver();
  const writer = otherWriter();
  writer.begin();

  const acquiring = driver.acquire(request('n', 'h:1:x:1'));

  await expect(acquiring).rejects.toMatchObject({ code: 'LOCK_STORE', lockName: 'n' });
  writer.commit();
  expect((await driver.acquire(request('n', 'h:1:x:1'))).granted).toBe(true);
  writer.close();
}, 20_000);

it('makes the tables once when twenty start at once', async () => {
  const others = await Promise.all(Array.from({ length: 20 }, () => database.dataSource()));

  const opened = await Promise.all(others.map((other) => newDriver(other)));

  const answers = await Promise.all(
    opened.map((driver, index) => driver.acquire(request('n', `h:${index}:x:1`))),
  );
  expect(answers.filter(({ granted }) => granted)).toHaveLength(1);
}, 20_000);

it('takes no part in an open transaction of the application', async () => {
  const driver = await newDriver();
  const runner = dataSource.createQueryRunner();
  await runner.startTransaction();
  await runner.query('SELECT count(*) FROM distributed_lock');

  const { granted } = await driver.acquire(request('n', 'h:1:x:1'));
  await runner.rollbackTransaction();

  expect(granted).toBe(true);
  expect((await driver.inspect('n')).phase).toBe('held');
  await runner.release();
});

it('on the shared handle, waits for the application to end its transaction', async () => {
  const driver = await newDriver(dataSource, { connection: 'shared' });
  const runner = dataSource.createQueryRunner();
  await runner.startTransaction();

  const acquiring = driver.acquire(request('n', 'h:1:x:1'));
  await pause(50);
  await runner.rollbackTransaction();

  expect((await acquiring).granted).toBe(true);
  expect((await driver.inspect('n')).phase).toBe('held');
  await runner.release();
});

it('says at the start that a database in memory serves one process only', async () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const inMemory = new DataSource({
    type: 'better-sqlite3',
    driver: Database,
    database: ':memory:',
  });
  await inMemory.initialize();

  const driver = await newDriver(inMemory);
  const first = await driver.acquire(request('n', 'h:1:x:1'));
  const second = await driver.acquire(request('n', 'h:1:x:2'));

  expect(warn).toHaveBeenCalledWith(expect.stringContaining('nobody outside this process'), {
    code: 'LOCK_SQLITE_MEMORY',
  });
  expect([first.granted, second.granted]).toEqual([true, false]);
  warn.mockRestore();
  await driver.close();
  await inMemory.destroy();
});

it('tells names apart that hold a NUL, and lists them whole', async () => {
  const driver = await newDriver();

  for (const name of ['n\0a', 'n\0b', 'n']) {
    expect((await driver.acquire(request(name, 'h:1:x:1'))).granted).toBe(true);
  }

  const listed = await driver.list({ prefix: 'n\0', limit: 10 });
  expect(listed.map(({ name }) => name)).toEqual(['n\0a', 'n\0b']);
});

it('looks often after a short hold and in front, and rarely during a long one', () => {
  const seen = (ahead: number, heldForMs: number): number => {
    const rest = { granted: false, owner: 'h', remainingMs: 60_000, retryInMs: 2_000 } as const;
    return pacedLookMs({ answer: { ...rest, ahead }, heldForMs });
  };

  expect([seen(0, 0), seen(1, 10), seen(0, 1_000)]).toEqual([1, 1, 20]);
  expect([seen(9, 0), seen(9, 60_000)]).toEqual([9, 250]);
});

it('tells whoever is handed the lease, soon', async () => {
  const driver = await newDriver();
  const waiter = await newDriver();
  const wakes: Wake[] = [];
  waiter.onWake((wake) => wakes.push(wake));
  const granted = await driver.acquire(request('n', 'h:1:x:1'));
  const token = granted.granted ? granted.token : 0;

  await waiter.acquire(request('n', 'h:2:x:1', { line: 'join' }));
  await driver.release({
    ...{ name: 'n', owner: 'h:1:x:1', token, error: null, atLeastMs: 0, rejoin: null },
  });

  await eventually(() => expect(wakes).toEqual([{ kind: 'granted', owner: 'h:2:x:1' }]), {
    withinMs: 500,
  });
});

it('renews thousands without holding the event loop up', async () => {
  const driver = await newDriver();
  const names = Array.from({ length: 3_000 }, (_, n) => `n${n}`);
  await Promise.all(names.map((name) => driver.acquire(request(name, 'h:1:x:1'))));
  const renewals = names.map((name) => {
    return { name, owner: 'h:1:x:1', ttlMs: 60_000, atMostMs: null };
  });
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);

  const answers = await driver.renew(renewals);

  isOver = true;
  expect(answers.every((renewed) => renewed)).toBe(true);
  // One after each transaction of 250; without, one alone at the end.
  expect(turns).toBeGreaterThanOrEqual(11);
});

it('lets ten instances wait at a small price', async () => {
  const instances: Locks[] = [];
  for (let n = 0; n < 10; n += 1) {
    const locks = new Locks({ driver: typeOrmLocks({ dataSource }), process: `h:${n}:wait` });
    await locks.open();
    instances.push(locks);
  }
  const [holder, ...others] = instances;
  const held = await holder?.acquire('n');
  const waits = others.map((locks) => locks.acquire('n', { waitMs: 60_000 }));
  await dataSource.query('UPDATE distributed_lock SET since = since - 5000');
  await pause(300);

  const before = process.cpuUsage();
  await pause(2_000);
  const { user, system } = process.cpuUsage(before);

  // 3 to 4 % of a core on a quiet machine; a busy one counts more for the same work.
  expect((user + system) / 1_000 / 2_000).toBeLessThan(0.08);
  await held?.release();
  for (const wait of waits) await (await wait).release();
  for (const locks of instances) await locks.close();
}, 30_000);

it('forgets names that nobody uses any more, and never their tokens', async () => {
  const driver = await newDriver();
  const owner = 'h:1:x:1';
  const granted = await driver.acquire(request('n', owner));
  const token = granted.granted ? granted.token : 0;
  await driver.release({ name: 'n', owner, token, error: null, atLeastMs: 0, rejoin: null });
  await driver.acquire(request('kept', owner));
  // As if the clock had been set back since: this token is an hour ahead of it.
  await dataSource.query(
    "UPDATE distributed_lock SET highest_token = highest_token + 3600000000 WHERE name = 'n'",
  );
  await dataSource.query('UPDATE distributed_lock SET used_at = used_at - 3600000');
  const { sqliteDialect } = await import('../../lib/drivers/typeorm/sqlite/sqlite-dialect.js');
  const { lockTables } = await import('../../lib/drivers/typeorm/lock-tables.js');
  const store = sqliteDialect.connect({
    ...{ dataSource, connection: 'own', poolSize: 1, tables: lockTables() },
  });
  await store.open();

  await store.cleanUp(600_000, 100);

  const left = await dataSource.query<{ name: string }[]>(
    "SELECT name FROM distributed_lock WHERE name <> ''",
  );
  const again = await driver.acquire(request('n', owner));
  expect(left.map(({ name }) => name)).toEqual(['kept']);
  expect(again.granted && again.token > token + 3_600_000_000).toBe(true);
  await store.close();
});
