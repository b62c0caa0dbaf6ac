/**
 * The stores of the bench: servers of its own, with the durability that production has, and what
 * they know of themselves: how many commands their clients sent, and how long their processors
 * worked.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import type { SqlServer, StartOptions, TestServer } from '../../test/support/servers/types.js';
import type { Contender, StoreKind } from './contract.js';
import { cpuOfFamilyMs, cpuOfProcessMs } from './proc.js';

export interface Store {
  readonly url: string;
  /** As the store calls itself: `Redis 7.0.15`. */
  readonly version: string;
  /** As new, for the next contender. */
  reset(): Promise<void>;
  /** Commands that clients have sent since the start; `null` where nobody counts. */
  commands(contender: Contender): Promise<number | null>;
  /** Processor time that it has used since its start; `null` where it has no process of its own. */
  cpuMs(): number | null;
  stop(): Promise<void>;
}

interface Servers {
  startRedis(options?: StartOptions): Promise<TestServer>;
  startPostgres(options?: StartOptions): Promise<SqlServer>;
  startMariaDb(options?: StartOptions): Promise<SqlServer>;
}

export async function openStore(kind: StoreKind, root: string): Promise<Store> {
  const servers = (await import(
    new URL('test/support/servers/index.mjs', root).href
  )) as unknown as Servers;
  switch (kind) {
    case 'redis':
      return openRedis(servers);
    case 'postgres':
      return openPostgres(servers);
    case 'mariadb':
      return openMariaDb(servers);
    case 'sqlite':
      return openSqlite();
    case 'memory':
      return openMemory();
  }
}

async function openRedis({ startRedis }: Servers): Promise<Store> {
  // Without a log of commands: what Redis is without durability is how locks are kept in it.
  const server = await startRedis({ args: ['--appendonly', 'no'] });
  const client = new Redis(server.url);
  const version = /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? '?';
  return {
    url: server.url,
    version: `Redis ${version}`,
    async reset() {
      await client.flushall();
    },
    async commands({ sends = ['eval', 'evalsha'] }) {
      let sum = 0;
      for (const [, command = '', calls] of (await client.info('commandstats')).matchAll(
        /cmdstat_([^:]+):calls=(\d+)/g,
      )) {
        if (sends.includes(command)) sum += Number(calls);
      }
      return sum;
    },
    cpuMs: () => cpuOfProcessMs(server.pid),
    async stop() {
      client.disconnect();
      await server.stop();
    },
  };
}

async function openPostgres({ startPostgres }: Servers): Promise<Store> {
  const server = await startPostgres({
    durable: true,
    args: ['-c', 'shared_preload_libraries=pg_stat_statements'],
  });
  // In a schema of its own: the public one is thrown away between two runs.
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query('CREATE SCHEMA stats');
  await client.query('CREATE EXTENSION pg_stat_statements SCHEMA stats');
  const [first] = (await client.query<{ server_version: string }>('SHOW server_version')).rows;
  return {
    url: server.url,
    version: `PostgreSQL ${first?.server_version.split(' ')[0] ?? '?'}, durable commits`,
    async reset() {
      await client.query('DROP SCHEMA public CASCADE');
      await client.query('CREATE SCHEMA public');
    },
    async commands() {
      const { rows } = await client.query<{ calls: string }>(
        "SELECT sum(calls) AS calls FROM stats.pg_stat_statements WHERE query NOT LIKE '%stats.pg_stat%'",
      );
      return Number(rows[0]?.calls ?? 0);
    },
    cpuMs: () => cpuOfFamilyMs(server.pid),
    async stop() {
      await client.end();
      await server.stop();
    },
  };
}

async function openMariaDb({ startMariaDb }: Servers): Promise<Store> {
  const server = await startMariaDb({ durable: true });
  const client = await createConnection({ uri: server.url });
  const [rows] = await client.query('SELECT VERSION() AS version');
  let own = 0;
  return {
    url: server.url,
    version: `MariaDB ${String((rows as { version: string }[])[0]?.version).split('-')[0]}, durable commits`,
    async reset() {
      own += 2;
      await client.query(`DROP DATABASE ${server.database}`);
      await client.query(`CREATE DATABASE ${server.database}`);
    },
    async commands() {
      const [status] = await client.query("SHOW GLOBAL STATUS LIKE 'Questions'");
      own++;
      return Number((status as { Value: string }[])[0]?.Value) - own;
    },
    cpuMs: () => cpuOfProcessMs(server.pid),
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}

async function openSqlite(): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'lock-bench-'));
  let file = 0;
  return {
    get url() {
      return join(folder, `${file}.db`);
    },
    version: 'SQLite in the process (libsql)',
    async reset() {
      file++;
    },
    commands: async () => null,
    cpuMs: () => null,
    async stop() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function openMemory(): Promise<Store> {
  const nothing = async (): Promise<void> => {};
  return {
    url: '',
    version: 'memory',
    reset: nothing,
    commands: async () => null,
    cpuMs: () => null,
    stop: nothing,
  };
}
