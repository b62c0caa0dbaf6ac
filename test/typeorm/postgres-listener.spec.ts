/** PostgreSQL's push: it knows whether it can be heard, and comes back when it was lost. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Wake } from '../../lib/core/lock-driver.js';
import { typeOrmLocks } from '../../lib/drivers/typeorm/index.js';
import type { PgPool } from '../../lib/drivers/typeorm/postgres/postgres-client.js';
import { PostgresListener } from '../../lib/drivers/typeorm/postgres/postgres-listener.js';
import { eventually } from '../support/eventually.js';
import { newPostgres } from './support/databases.js';

describe('a process that listens on PostgreSQL', () => {
  const database = newPostgres();
  const elsewhere = newPostgres();
  const pools: pg.Pool[] = [];
  const listeners: PostgresListener[] = [];

  beforeAll(async () => {
    await database.start();
    await elsewhere.start();
  }, 120_000);
  afterAll(async () => {
    for (const listener of listeners) await listener.close();
    for (const pool of pools) await pool.end();
    await database.stop();
    await elsewhere.stop();
  }, 60_000);

  function poolOf(where: typeof database): pg.Pool {
    const {
      host,
      port,
      username,
      password,
      database: name,
    } = where.options as unknown as Record<string, never>;
    const pool = new pg.Pool({ host, port, user: username, password, database: name, max: 2 });
    pool.on('error', () => undefined);
    pools.push(pool);
    return pool;
  }

  function listenerOn(pool: PgPool, wakes: Wake[] = []): PostgresListener {
    const hear = (wake: Wake): void => void wakes.push(wake);
    const listener = new PostgresListener({ pool: () => pool, channel: 'a', changes: 'b', hear });
    listeners.push(listener);
    return listener;
  }

  it('hears itself, and then what others say to it', async () => {
    const pool = poolOf(database);
    const wakes: Wake[] = [];
    const listener = listenerOn(pool as unknown as PgPool, wakes);
    await listener.start();
    await listener.watch();

    await pool.query(`SELECT pg_notify('a', encode('h:1:2', 'hex'))`);
    await pool.query(`SELECT pg_notify('b', encode('näme', 'hex'))`);

    expect(listener.listening).toBe(true);
    await eventually(() => wakes.length === 2);
    expect(wakes).toEqual([
      { kind: 'granted', owner: 'h:1:2' },
      { kind: 'changed', name: 'näme' },
    ]);
  });

  it('knows that it is deaf behind a pooler that takes LISTEN and delivers nothing', async () => {
    const speaking = poolOf(database);
    const deaf = poolOf(elsewhere);
    // As such a pooler does: what is said arrives where nobody of ours listens.
    const pool = {
      options: deaf.options,
      Client: pg.Client,
      query: (query: pg.QueryConfig) => speaking.query(query),
    };
    const listener = listenerOn(pool as unknown as PgPool);

    await listener.start();

    expect(listener.listening).toBe(false);
  }, 20_000);

  it('comes back after its connection was killed, and says that pushes may be missing', async () => {
    const pool = poolOf(database);
    const wakes: Wake[] = [];
    const listener = listenerOn(pool as unknown as PgPool, wakes);
    await listener.start();

    await pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`,
    );
    await eventually(() => wakes.some(({ kind }) => kind === 'missed'));
    await eventually(() => listener.listening, { withinMs: 15_000 });
    await pool.query(`SELECT pg_notify('a', encode('h:1:3', 'hex'))`);

    await eventually(() => wakes.some((wake) => wake.kind === 'granted' && wake.owner === 'h:1:3'));
  }, 30_000);

  it('lets waiters look by themselves while nothing would be heard', async () => {
    const dataSource = await database.dataSource();
    const drivers = [typeOrmLocks({ dataSource }), typeOrmLocks({ dataSource })] as const;
    for (const [n, driver] of drivers.entries()) await driver.open(`h:1:${n}`);
    const asks = (owner: string): Parameters<(typeof drivers)[0]['acquire']>[0] => ({
      ...{ name: 'n', owner, ttlMs: 60_000, line: 'join', tokens: 1, atMostMs: null, note: null },
    });
    await drivers[0].acquire(asks('h:1:0:1'));
    const pushed = await drivers[1].acquire(asks('h:1:1:1'));
    const killing = poolOf(database);
    const kill = (): Promise<unknown> =>
      killing.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE query LIKE 'LISTEN%' AND datname = current_database()`,
      );

    // Killed again and again until an answer was given while it was gone.
    await eventually(
      async () => {
        await kill();
        const looked = await drivers[1].acquire(asks('h:1:1:1'));
        return !looked.granted && looked.retryInMs < 100;
      },
      { withinMs: 15_000 },
    );

    expect(pushed).toMatchObject({ granted: false, retryInMs: 2_000 });
    for (const driver of drivers) await driver.close();
  }, 30_000);
});
