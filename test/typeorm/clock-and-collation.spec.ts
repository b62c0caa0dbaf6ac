/** What sessions and servers may be set to, without a consequence for any lock. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import type { AcquireRequest, LockDriver } from '../../lib/core/lock-driver.js';
import { typeOrmLocks } from '../../lib/drivers/typeorm/index.js';
import { startMariaDb, startPostgres } from '../support/servers/index.mjs';
import type { SqlServer } from '../support/servers/types.js';
import { newMariaDb, newPostgres } from './support/databases.js';

const asks = (name: string, owner: string, ttlMs = 60_000): AcquireRequest => ({
  ...{ name, owner, ttlMs, line: 'none', tokens: 1, atMostMs: null, note: null },
});

/** Names that a careless comparison takes for one. */
const ALIKE = [
  'Résumé',
  'résumé',
  'resume',
  'RESUME',
  'resume ',
  'ss',
  'ß',
  'i',
  'İ',
  'ı',
  'é',
  'e\u0301',
];

describe.each([
  ['PostgreSQL', newPostgres, { extra: { options: '-c TimeZone=-05:00' } }],
  ['MariaDB', newMariaDb, { timezone: '-05:00', charset: 'utf8mb4_general_ci' }],
] as const)('sessions on %s five hours behind', (title, newDatabase, behind) => {
  const database = newDatabase();
  let there: LockDriver;
  let here: LockDriver;

  beforeAll(async () => {
    await database.start();
    const far = await database.dataSource(behind);
    here = typeOrmLocks({ dataSource: await database.dataSource() });
    await here.open('h:1:here');
    if (title === 'MariaDB') {
      // Every session that comes later is behind, whatever its client asks for.
      await far.query(`SET GLOBAL time_zone = '-05:00'`).catch(() => undefined);
      await far.query(`ALTER DATABASE ${String(far.options.database)} COLLATE utf8mb4_general_ci`);
    }
    there = typeOrmLocks({ dataSource: far });
    await there.open('h:1:there');
  }, 120_000);
  afterAll(async () => {
    await there.close();
    await here.close();
    await database.stop();
  }, 60_000);

  it('neither take a fresh lease for an old one, nor keep one for ever', async () => {
    await here.acquire(asks('zone', 'h:1:here:1'));
    await there.acquire(asks('back', 'h:1:there:1', 300));

    const stolen = await there.acquire(asks('zone', 'h:1:there:2'));
    await new Promise((resolve) => setTimeout(resolve, 350));
    const taken = await here.acquire(asks('back', 'h:1:here:2'));

    expect(stolen.granted).toBe(false);
    expect((await there.inspect('zone')).remainingMs).toBeGreaterThan(50_000);
    expect((await there.inspect('zone')).remainingMs).toBeLessThanOrEqual(60_000);
    expect(taken.granted).toBe(true);
  });

  it('grant every name for itself, whatever the collation makes of it', async () => {
    for (const driver of [here, there]) {
      const where = driver === here ? 'here' : 'there';
      const names = ALIKE.map((name) => `${where}:${name}`);

      const answers = await Promise.all(
        names.map((name, n) => driver.acquire(asks(name, `h:1:${where}:${n + 10}`))),
      );

      expect(answers.every((answer) => answer.granted)).toBe(true);
      expect((await here.list({ prefix: `${where}:`, limit: 50 })).length).toBe(ALIKE.length);
    }
  });
});

describe('a server that keeps daylight saving time', () => {
  const servers: SqlServer[] = [];
  const drivers: LockDriver[] = [];
  const sources: DataSource[] = [];
  afterAll(async () => {
    for (const driver of drivers) await driver.close();
    for (const source of sources) await source.destroy();
    for (const server of servers) await server.stop();
  }, 60_000);

  it.each([
    ['postgres', () => startPostgres({ args: ['-c', 'timezone=America/New_York'] })],
    ['mariadb', () => startMariaDb({ args: ['--default-time-zone=-05:00'] })],
  ] as const)(
    'counts leases in the seconds of the world: %s',
    async (type, start) => {
      const server = await start();
      servers.push(server);
      const { host, port, user: username, password, database } = server;
      const dataSource = new DataSource({ type, host, port, username, password, database });
      await dataSource.initialize();
      sources.push(dataSource);
      const driver = typeOrmLocks({ dataSource });
      drivers.push(driver);
      await driver.open('h:1:dst');

      const answer = await driver.acquire(asks('n', 'h:1:dst:1'));

      // The token is the store's time, so it shows which clock the lease is counted by.
      expect(answer.granted && Math.abs(answer.token / 1_000 - Date.now())).toBeLessThan(60_000);
      expect((await driver.inspect('n')).remainingMs).toBeGreaterThan(50_000);
    },
    120_000,
  );
});
