/**
 * The servers that the other suites stand on: that they start, die, come back, and leave no trace.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import {
  sharedMariaDb,
  sharedPostgres,
  sharedRedis,
  startMariaDb,
  startPostgres,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
} from './servers/index.mjs';
import { answers } from './servers/ports.mjs';

const own: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(own.splice(0).map((server) => server.stop()));
});

async function owned<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  own.push(server);
  return server;
}

async function inRedis<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

async function inPostgres(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function inMariaDb(url: string, sql: string): Promise<unknown> {
  const connection = await createConnection(url);
  try {
    return (await connection.query(sql))[0];
  } finally {
    connection.destroy();
  }
}

describe('a private server', () => {
  it('keeps what Redis was told over a kill, and loses it when started empty', async () => {
    const { url, ...server } = await owned(startRedis());
    await inRedis(url, (client) => client.set('a', '1'));

    await server.kill9();
    expect(await answers(server.port, 'PING\r\n', 'PONG')).toBe(false);
    await server.restart();
    expect(await inRedis(url, (client) => client.get('a'))).toBe('1');

    await server.restart({ empty: true });
    expect(await inRedis(url, (client) => client.get('a'))).toBeNull();
  });

  it('keeps what PostgreSQL was told over a kill, and loses it when started empty', async () => {
    const server = await owned(startPostgres());
    await inPostgres(server.url, 'CREATE TABLE a (b int)');

    await server.kill9();
    expect(server.pid).toBeNull();
    await server.restart();
    expect(await inPostgres(server.url, 'SELECT * FROM a')).toEqual([]);

    await server.restart({ empty: true });
    await expect(inPostgres(server.url, 'SELECT * FROM a')).rejects.toThrow('does not exist');
    expect(server.log()).toContain('relation "a" does not exist');
  });

  it('keeps what MariaDB was told over a kill, and loses it when started empty', async () => {
    const server = await owned(startMariaDb());
    await inMariaDb(server.url, 'CREATE TABLE a (b int)');

    await server.kill9();
    await server.restart();
    expect(await inMariaDb(server.url, 'SELECT * FROM a')).toEqual([]);

    await server.restart({ empty: true });
    await expect(inMariaDb(server.url, 'SELECT * FROM a')).rejects.toThrow("doesn't exist");
  });

  it('answers nobody while it is paused', async () => {
    const server = await owned(startRedis());
    const client = new Redis(server.url, { commandTimeout: 200 });
    await client.ping();

    await server.pause();
    await expect(client.ping()).rejects.toThrow('timed out');
    await server.resume();
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });

  it('says why it does not start', async () => {
    await expect(startRedis({ args: ['--nonsense', '1'] })).rejects.toThrow('nonsense');
  });
});

describe('more than one Redis', () => {
  it('is a cluster of three that takes any key', async () => {
    const cluster = await owned(startRedisCluster());
    const client = new Cluster([...cluster.roots]);

    for (const key of ['a', 'b', 'c', 'd']) expect(await client.set(key, '1')).toBe('OK');
    expect(client.nodes('master')).toHaveLength(3);
    client.disconnect();
  });

  it('is a sentinel that makes the replica the master when the master is gone', async () => {
    const { sentinels, name, master, replica } = await owned(startRedisSentinel());
    const client = new Redis({ sentinels: [...sentinels], name, maxRetriesPerRequest: null });
    client.on('error', () => undefined);
    await client.set('a', '1');
    await client.wait(1, 5_000);

    await master.kill9();

    expect(await client.get('a')).toBe('1');
    expect(await inRedis(replica.url, (other) => other.info('replication'))).toContain(
      'role:master',
    );
    client.disconnect();
  });
});

describe('the shared servers', () => {
  it('give every caller a database or namespace of its own', async () => {
    const [one, other] = [await owned(sharedPostgres()), await owned(sharedPostgres())];
    await inPostgres(one.url, 'CREATE TABLE a (b int)');
    await expect(inPostgres(other.url, 'SELECT * FROM a')).rejects.toThrow('does not exist');

    const [first, second] = [await owned(sharedMariaDb()), await owned(sharedMariaDb())];
    await inMariaDb(first.url, 'CREATE TABLE a (b int)');
    await expect(inMariaDb(second.url, 'SELECT * FROM a')).rejects.toThrow("doesn't exist");

    const [mine, yours] = [await sharedRedis(), await sharedRedis()];
    expect(mine.url).toBe(yours.url);
    expect(mine.namespace).not.toBe(yours.namespace);
  });
});

describe('a process that started servers', () => {
  it('leaves none behind, not even when it is killed', async () => {
    const index = new URL('servers/index.mjs', import.meta.url).href;
    const script = `
      const { startRedis, startPostgres } = await import('${index}');
      const servers = [await startRedis(), await startPostgres()];
      console.log(process.env.TEST_SERVERS_FOLDER, ...servers.map(({ port }) => port));
      setInterval(() => {}, 1000);`;
    const { TEST_SERVERS_FOLDER: _, ...env } = process.env;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { env });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const [folder = '', ...ports] = line.toString().trim().split(' ');
    expect(existsSync(folder)).toBe(true);
    expect(ports).toHaveLength(2);

    child.kill('SIGKILL');

    const end = performance.now() + 15_000;
    while (existsSync(folder) && performance.now() < end) await sleep(50);
    expect(existsSync(folder)).toBe(false);
    for (const port of ports) {
      expect(await answers(Number(port), 'PING\r\n', '')).toBe(false);
    }
  });
});
