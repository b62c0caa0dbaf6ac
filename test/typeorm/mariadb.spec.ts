/** What is particular about MariaDB: its clock and collations, its locks, its log and the bell. */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { DataSource } from 'typeorm';
import type { AcquireRequest, LockDriver, Wake } from '../../lib/core/lock-driver.js';
import { Locks } from '../../lib/core/locks.js';
import { typeOrmLocks } from '../../lib/drivers/typeorm/index.js';
import { eventually } from '../support/eventually.js';
import { startMariaDb } from '../support/servers/index.mjs';
import type { SqlServer } from '../support/servers/types.js';

let server: SqlServer;
let admin: Connection;
const drivers: LockDriver[] = [];
const dataSources: DataSource[] = [];
let processes = 0;

beforeAll(async () => {
  // As unkind as a server can be: behind UTC, and blind to case and accents.
  server = await startMariaDb({
    args: [
      '--default-time-zone=-05:00',
      '--character-set-server=utf8mb4',
      '--collation-server=utf8mb4_general_ci',
    ],
  });
  admin = await createConnection({ uri: server.url, multipleStatements: true });
}, 120_000);
afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.close();
  for (const dataSource of dataSources.splice(0)) await dataSource.destroy();
  await admin.query('DROP TABLE IF EXISTS distributed_lock, distributed_lock_ticket');
});
afterAll(async () => {
  await admin.end();
  await server.stop();
}, 60_000);

async function newDataSource(over: object = {}): Promise<DataSource> {
  const { host, port, user, password, database } = server;
  const options = { type: 'mariadb', host, port, username: user, password, database } as const;
  const dataSource = new DataSource({ ...options, poolSize: 1, ...over });
  await dataSource.initialize();
  dataSources.push(dataSource);
  return dataSource;
}

async function newDriver(
  options: object = {},
  over: object = {},
  address = `h:${(processes += 1)}:x`,
): Promise<LockDriver> {
  const driver = typeOrmLocks({ dataSource: await newDataSource(over), ...options });
  drivers.push(driver);
  await driver.open(address);
  return driver;
}

function request(name: string, owner: string, over: Partial<AcquireRequest> = {}): AcquireRequest {
  const all = { ttlMs: 60_000, line: 'none', tokens: 1, atMostMs: null, note: null } as const;
  return { name, owner, ...all, ...over };
}

async function rows(sql: string): Promise<readonly Record<string, unknown>[]> {
  const [found] = await admin.query<RowDataPacket[]>(sql);
  return found;
}

const sleepers = (): Promise<readonly unknown[]> =>
  rows("SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT IS_USED_LOCK%'");

it('knows neither time zones nor collations', async () => {
  const here = await newDriver();
  const there = await newDriver({}, { timezone: '+09:00', charset: 'latin1' });
  const names = ['a', 'A', 'ä', 'a ', 'ß', 'ss', '😀', 'a\0', "'; DROP TABLE distributed_lock; --"];

  for (const name of names) {
    expect((await here.acquire(request(name, 'h:1:x:1'))).granted).toBe(true);
  }

  for (const name of names) {
    const answer = await there.acquire(request(name, 'h:2:x:1'));
    expect(answer).toMatchObject({ granted: false, owner: 'h:1:x:1' });
  }
  const listed = await there.list({ prefix: '', limit: 100 });
  expect(listed.map(({ name }) => name)).toEqual(
    [...names].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))),
  );
});

it('makes the tables once when twenty start at once, and logs nothing', async () => {
  const before = server.log();

  const opened = await Promise.all(Array.from({ length: 20 }, () => newDriver()));

  const answers = await Promise.all(
    opened.map((driver, index) => driver.acquire(request('n', `h:${index}:x:1`))),
  );
  expect(answers.filter(({ granted }) => granted)).toHaveLength(1);
  for (const driver of drivers.splice(0)) await driver.close();
  expect(server.log()).toBe(before);
}, 60_000);

it('needs no right to create tables where they are there', async () => {
  await newDriver();
  await admin.query(
    "CREATE OR REPLACE USER plain@'%' IDENTIFIED BY 'plain'; " +
      "GRANT SELECT, INSERT, UPDATE, DELETE ON test.* TO plain@'%'",
  );

  const driver = await newDriver({}, { username: 'plain', password: 'plain' });

  expect((await driver.acquire(request('n', 'h:9:x:1'))).granted).toBe(true);
});

it('bears a thousand busy tries: few connections, nothing left behind, an empty log', async () => {
  const holder = await newDriver();
  const driver = await newDriver({ poolSize: 2 });
  await holder.acquire(request('n', 'h:1:x:1'));
  const before = server.log();

  for (let round = 0; round < 10; round += 1) {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => driver.acquire(request('n', `h:2:x:${round}-${n}`))),
    );
    expect(answers.some(({ granted }) => granted)).toBe(false);
  }

  const connected = await rows("SHOW STATUS LIKE 'Threads_connected'");
  // Ours, and of each driver the application's one and those of its own pool.
  expect(Number(connected[0]?.Value)).toBeLessThanOrEqual(1 + (1 + 3) + (1 + 2));
  expect(await rows('SELECT * FROM distributed_lock_ticket')).toHaveLength(0);
  expect(await rows('SELECT * FROM distributed_lock')).toHaveLength(1);
  expect(server.log()).toBe(before);
}, 60_000);

it('deadlocks with nobody, also not with who locks many rows the other way round', async () => {
  const driver = await newDriver();
  const names = Array.from({ length: 30 }, (_, n) => `n${String(n).padStart(2, '0')}`);
  const takeAndGive = (generation: number): Promise<boolean[]> =>
    Promise.all(
      names.map(async (name) => {
        const owner = `h:1:x:${generation}-${name}`;
        const answer = await driver.acquire(request(name, owner));
        const token = answer.granted ? answer.token : 0;
        await driver.release({ name, owner, token, error: null, atLeastMs: 0, rejoin: null });
        return answer.granted;
      }),
    );
  await takeAndGive(0);
  const before = await deadlocks();

  for (let round = 1; round <= 5; round += 1) {
    await admin.query(
      "START TRANSACTION; DO (SELECT 1 FROM distributed_lock WHERE name = 'n29' FOR UPDATE)",
    );
    const taking = takeAndGive(round);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await admin.query(
      "DO (SELECT 1 FROM distributed_lock WHERE name = 'n00' FOR UPDATE); ROLLBACK",
    );

    expect(await taking).toEqual(names.map(() => true));
  }

  expect(await deadlocks()).toBe(before);
}, 60_000);

async function deadlocks(): Promise<number> {
  const [row] = await rows("SHOW STATUS LIKE 'Innodb_deadlocks'");
  return Number(row?.Value);
}

it('lets one row that a stopped transaction has locked delay nobody else', async () => {
  const driver = await newDriver();
  const owner = 'h:1:x:1';
  for (const name of ['a', 'stuck', 'z']) await driver.acquire(request(name, owner));
  await admin.query(
    "START TRANSACTION; SELECT * FROM distributed_lock WHERE name = 'stuck' FOR UPDATE",
  );

  const stuck = driver.acquire(request('stuck', 'h:1:x:2', { line: 'join' })).then(
    () => 'answered',
    (error: unknown) => (error as { code: string }).code,
  );
  const renewal = { owner, ttlMs: 60_000, atMostMs: null };
  const renewStuck = driver.renew([{ name: 'stuck', ...renewal }]).catch(() => 'unknown');
  const startedAt = performance.now();
  const renewed = await driver.renew(['a', 'z'].map((name) => ({ name, ...renewal })));
  const tookMs = performance.now() - startedAt;

  expect(renewed).toEqual([true, true]);
  expect(tookMs).toBeLessThan(1_000);
  expect(await stuck).toBe('LOCK_STORE');
  // Whoever will not wait is told what is known: the row shows its holder, locked or not.
  const refused = await driver.acquire(request('stuck', 'h:1:x:3'));
  expect(refused).toMatchObject({ granted: false, owner });
  await renewStuck;
  await admin.query('ROLLBACK');
  expect(await driver.renew([{ name: 'stuck', ...renewal }])).toEqual([true]);
}, 60_000);

it('keeps out of an open transaction and an exhausted pool of the application', async () => {
  const driver = await newDriver();
  const runner = dataSources[0]?.createQueryRunner();
  await runner?.startTransaction();

  const { granted } = await driver.acquire(request('n', 'h:1:x:1'));
  await runner?.rollbackTransaction();

  expect(granted).toBe(true);
  expect((await driver.inspect('n')).phase).toBe('held');
  await runner?.release();
});

it('works on the pool of the application, one statement at a time, if it must', async () => {
  const holder = await newDriver({ connection: 'shared' });
  const waiter = await newDriver({ connection: 'shared' });
  const [one, two] = ['h:1:x:1', 'h:2:x:1'];
  const granted = await holder.acquire(request('n', one));
  const token = granted.granted ? granted.token : 0;

  const joined = await waiter.acquire(request('n', two, { line: 'join' }));
  const renewed = await holder.renew([{ name: 'n', owner: one, ttlMs: 60_000, atMostMs: null }]);
  await holder.release({ name: 'n', owner: one, token, error: null, atLeastMs: 0, rejoin: null });
  const handed = await waiter.acquire(request('n', two, { line: 'join' }));

  expect([joined.granted, handed.granted, renewed]).toEqual([false, true, [true]]);
});

it('rings who is handed the lease, and nobody sleeps when nobody waits', async () => {
  const holder = await newDriver();
  const waiter = await newDriver({}, {}, 'h:waiter:x');
  const wakes: Wake[] = [];
  waiter.onWake((wake) => wakes.push(wake));
  const granted = await holder.acquire(request('n', 'h:1:x:1'));
  const token = granted.granted ? granted.token : 0;
  const join = request('n', 'h:waiter:x:1', { line: 'join' });

  expect(await sleepers()).toHaveLength(0);
  await waiter.acquire(join);
  await eventually(async () => expect(await sleepers()).toHaveLength(1));
  await holder.release({
    ...{ name: 'n', owner: 'h:1:x:1', token, error: null, atLeastMs: 0, rejoin: null },
  });
  await eventually(() => expect(wakes).toContainEqual({ kind: 'granted', owner: 'h:waiter:x:1' }), {
    withinMs: 1_500,
  });

  expect((await waiter.acquire(join)).granted).toBe(true);
  await eventually(async () => expect(await sleepers()).toHaveLength(0));
});

it('is served, only later, when the connection that sleeps is killed', async () => {
  const locks = [1, 2].map(async (n) => {
    const dataSource = await newDataSource();
    const instance = new Locks({ driver: typeOrmLocks({ dataSource }), process: `h:${n}:bell` });
    await instance.open();
    return instance;
  });
  const [first, second] = await Promise.all(locks);
  const held = await first?.acquire('n');
  const waiting = second?.acquire('n', { waitMs: 20_000 });
  let id: unknown;
  await eventually(async () => {
    id = ((await sleepers())[0] as { id?: unknown } | undefined)?.id;
    return id !== undefined;
  });

  await admin.query(`KILL CONNECTION ${String(id)}`);
  await held?.release();
  const lock = await waiting;

  expect(lock?.held).toBe(true);
  await lock?.release();
  await first?.close();
  await second?.close();
}, 30_000);

it('rings nobody but the sleeper', async () => {
  const { MARIADB_FORM, MYSQL_FORM } =
    await import('../../lib/drivers/typeorm/mysql/mysql-script.js');
  const bystander = await createConnection({ uri: server.url });
  const working = bystander.query('SELECT SLEEP(0.5) AS interrupted');

  for (const bell of ["'nobody-has-this-bell'", 'NULL']) {
    await admin.query([`SET @bell = ${bell}`, ...MYSQL_FORM.ring].join(';'));
    await admin.query(`BEGIN NOT ATOMIC ${MARIADB_FORM.ring.join(';')}; END`);
  }

  const [answer] = await working;
  expect(answer).toEqual([{ interrupted: 0 }]);
  await bystander.end();
});

it('forgets names that nobody uses any more, and the tickets of the dead', async () => {
  const driver = await newDriver();
  const owner = 'h:1:x:1';
  const token = async (name: string): Promise<number> => {
    const answer = await driver.acquire(request(name, owner));
    return answer.granted ? answer.token : 0;
  };
  const tokens = { unused: await token('unused'), failed: await token('failed') };
  const ending = { owner, atLeastMs: 0, rejoin: null };
  await driver.release({ name: 'unused', token: tokens.unused, error: null, ...ending });
  const error = { name: 'Error', message: 'no' };
  await driver.release({ name: 'failed', token: tokens.failed, error, ...ending });
  await token('kept');
  await driver.acquire(request('kept', 'h:2:x:1', { line: 'join' }));
  // As if the clock had been set back since: these tokens are an hour ahead of it.
  const anHour = 3_600_000_000;
  await admin.query(
    `UPDATE distributed_lock SET token = token + ${anHour}, used_at = used_at - ${anHour}; ` +
      'UPDATE distributed_lock_ticket SET ends_at = ends_at - 60000000',
  );
  const { mysqlDialect } = await import('../../lib/drivers/typeorm/mysql/mysql-dialect.js');
  const { lockTables } = await import('../../lib/drivers/typeorm/lock-tables.js');
  const dataSource = await newDataSource();
  const store = mysqlDialect.connect({
    ...{ dataSource, connection: 'own', poolSize: 1, tables: lockTables() },
  });
  await store.open();

  const more = await store.cleanUp(600_000, 100);

  // How a hold failed is kept for whoever comes next.
  const left = await rows(
    "SELECT CAST(name AS CHAR) AS name FROM distributed_lock WHERE name <> '' ORDER BY name",
  );
  expect(left.map(({ name }) => name)).toEqual(['failed', 'kept']);
  expect(await rows('SELECT * FROM distributed_lock_ticket')).toHaveLength(0);
  expect(more).toBe(0);
  expect(await token('unused')).toBeGreaterThan(tokens.unused + anHour);
  // Many at once take another way.
  const many = await Promise.all(['unused-2', 'unused-3'].map(token));
  expect(Math.min(...many)).toBeGreaterThan(tokens.unused + anHour);
  await store.close();
});
