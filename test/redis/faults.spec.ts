/** What the driver does when Redis is away, restarted, full, or not a master any more. */
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { TestServer } from '../support/servers/types.js';
import { startRedis } from '../support/servers/index.mjs';
import { eventually } from '../support/eventually.js';
import { TestProcess } from './process.js';

const SECRET = 'hunter2-very-secret';
let server: TestServer;
let admin: Redis;
const opened: TestProcess[] = [];

async function open(options: { timeoutMs?: number } = {}): Promise<TestProcess> {
  const process = await TestProcess.open({ url: server.url, ...options });
  opened.push(process);
  return process;
}

beforeAll(async () => {
  server = await startRedis();
}, 60_000);

beforeEach(() => {
  admin = new Redis(server.url);
  admin.on('error', () => undefined);
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ driver }) => driver.close()));
  admin.disconnect();
});

afterAll(() => server.stop());

const storeError = { code: 'LOCK_STORE', name: 'LockStoreError' };

describe('a server that is away', () => {
  it('fails the opening in good time, says why, and opens when the server is back', async () => {
    await server.shutdown();
    const one = TestProcess.closed({ url: server.url });
    opened.push(one);

    await expect(one.driver.open(one.id)).rejects.toMatchObject({
      ...storeError,
      message: expect.stringContaining('ECONNREFUSED'),
    });

    await server.restart();
    await eventually(() => one.driver.open(one.id));
    await one.take('after the start');
  });

  it('fails calls in good time, and serves them when it is back, its memory with it', async () => {
    const one = await open();
    const { by } = await one.take('kept');
    await server.kill9();

    await expect(one.acquire('kept')).rejects.toMatchObject({
      ...storeError,
      lockName: 'kept',
      message: expect.stringContaining('ECONNREFUSED'),
    });

    await server.restart();
    await eventually(async () => expect(await one.renews('kept', by)).toBe(true));
  });

  it('gives up on a server that hangs, and does not take its late answer for a new one', async () => {
    const one = await open({ timeoutMs: 200 });
    await one.take('warm');
    await server.pause();

    const asked = one.acquire('late');
    await expect(asked).rejects.toMatchObject({
      ...storeError,
      message: expect.stringContaining('no answer within 200 ms'),
    });

    await server.resume();
    await eventually(async () => expect((await one.driver.inspect('late')).phase).toBe('held'));
    await one.take('another');
  });

  it('hears that pushes may have been missed, and is pushed to again', async () => {
    const [one, two] = [await open(), await open()];
    const { by } = await one.take('pushed');
    await server.kill9();
    await server.restart();

    await eventually(() => expect(two.wakes).toContainEqual({ kind: 'missed' }));
    const waiter = await eventuallyRefused(two, 'pushed');
    await eventually(() => one.release('pushed', by));

    await eventually(() => expect(two.wakes).toContainEqual({ kind: 'granted', owner: waiter }));
  });
});

async function eventuallyRefused(process: TestProcess, name: string): Promise<string> {
  const owner = process.owner();
  await eventually(() => process.acquire(name, { owner, join: true }));
  return owner;
}

describe('connections that the server closes', () => {
  it('works again by itself, for commands and for pushes', async () => {
    const [one, two] = [await open(), await open()];
    const { by } = await one.take('killed');

    await admin.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await admin.client('KILL', 'TYPE', 'pubsub');

    const waiter = await eventuallyRefused(two, 'killed');
    await eventually(() => expect(two.wakes).toContainEqual({ kind: 'missed' }));
    await eventually(() => one.release('killed', by));
    await eventually(() => expect(two.wakes).toContainEqual({ kind: 'granted', owner: waiter }));
  });

  it('passes over a waiter that no longer listens, at once', async () => {
    const [holder, gone, next] = [await open(), await open(), await open()];
    const { by } = await holder.take('passed');
    await gone.acquire('passed', { join: true });
    const { by: second } = await next.acquire('passed', { join: true });
    await gone.driver.close();
    await eventually(async () => {
      expect(await admin.pubsub('NUMSUB', `locks:wake:${gone.id}`)).toEqual([expect.anything(), 0]);
    });

    await holder.release('passed', by);

    expect(await next.driver.inspect('passed')).toMatchObject({ phase: 'claimed', owner: second });
  });
});

describe('a server that forgets', () => {
  it('loads its scripts again', async () => {
    const one = await open();
    await one.take('before');

    await admin.script('FLUSH');

    await one.take('after');
  });

  it('tells the holder so, and grants higher tokens than ever before', async () => {
    const one = await open();
    const before = await one.take('emptied', { tokens: 1_000 });

    await server.restart({ empty: true });

    await eventually(async () => expect(await one.renews('emptied', before.by)).toBe(false));
    const after = await one.take('emptied');
    expect(after.token).toBeGreaterThan(before.token + before.tokens - 1);
    expect(after.previous).toBeNull();
  });

  it('grants no lower token when its clock was put back', async () => {
    const one = await open();
    const { token, by } = await one.take('clock');
    await one.release('clock', by, token);
    // As if all this had happened an hour later, and the name had been forgotten since.
    const later = token + 3_600_000_000;
    await admin.set('{locks}:clock', String(later));
    await admin.del('{locks}:lock:clock');

    const first = await one.take('clock', { tokens: 5 });
    const other = await one.take('another clock');

    expect(first.token).toBeGreaterThan(later);
    expect(other.token).toBeGreaterThan(first.token + 4);
    await admin.del('{locks}:clock');
  });
});

describe('a server that takes no writes', () => {
  it('grants nothing without memory, but renews, takes back and hands over', async () => {
    const one = await open();
    const [renewed, released, handed] = await Promise.all(
      ['renewed', 'released', 'handed'].map((name) => one.take(name)),
    );
    const { by: waiter } = await one.acquire('handed', { join: true });
    await admin.config('SET', 'maxmemory', '1');
    try {
      await expect(one.acquire('one more')).rejects.toMatchObject({
        ...storeError,
        cause: { message: expect.stringMatching(/^OOM/) },
      });

      expect(await one.renews('renewed', renewed?.by ?? '')).toBe(true);
      expect(await one.release('released', released?.by ?? '')).toMatchObject({ released: true });
      expect(await one.release('handed', handed?.by ?? '')).toMatchObject({ released: true });

      expect((await one.driver.inspect('released')).ending).toMatchObject({ how: 'released' });
      expect(await one.driver.inspect('handed')).toMatchObject({ phase: 'claimed', owner: waiter });
    } finally {
      await admin.config('SET', 'maxmemory', '0');
    }
  });

  it('looks for the master again when what it talks to has become a replica', async () => {
    const one = await open();
    await one.take('demoted');
    const before = await connectionOf(one);
    await admin.replicaof('127.0.0.1', 1);
    try {
      await expect(one.acquire('promoted')).rejects.toMatchObject({
        ...storeError,
        cause: { message: expect.stringMatching(/^READONLY/) },
      });
    } finally {
      await admin.replicaof('NO', 'ONE');
    }

    await eventually(() => one.take('promoted'));
    expect(await connectionOf(one)).not.toBe(before);
  });
});

/** The id of the connection that last sent a script. */
async function connectionOf(process: TestProcess): Promise<string | undefined> {
  await eventually(() => process.driver.inspect('any'));
  const clients = String(await admin.call('CLIENT', 'LIST', 'TYPE', 'normal'));
  return /^id=(\d+) .*cmd=evalsha /m.exec(clients)?.[1];
}

describe('passwords', () => {
  it('are in no error, however deep one looks', async () => {
    await admin.config('SET', 'requirepass', 'another');
    const { host, port } = server;
    try {
      for (const options of [
        { url: `redis://user:${SECRET}@${host}:${port}` },
        { options: { host, port, password: SECRET } },
        { client: lend(host, port) },
      ]) {
        const one = TestProcess.closed({ ...options, timeoutMs: 500 });
        opened.push(one);
        const error: unknown = await one.driver.open(one.id).catch((caught: unknown) => caught);
        expect(error).toMatchObject(storeError);
        expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(SECRET);
      }
    } finally {
      await admin.config('SET', 'requirepass', '');
      lent.disconnect();
    }
  });
});

let lent: Redis;

function lend(host: string, port: number): Redis {
  lent = new Redis({ host, port, password: SECRET });
  lent.on('error', () => undefined);
  return lent;
}
