/** How requests travel: together, in few calls, and without harm to each other. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { TestServer } from '../support/servers/types.js';
import { startRedis } from '../support/servers/index.mjs';
import { eventually } from '../support/eventually.js';
import { commandCounts, TestProcess } from './process.js';

let server: TestServer;
let client: Redis;
let one: TestProcess;

beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.url);
  one = await TestProcess.open({ client, keepEndingsMs: 1_000 });
}, 60_000);

afterAll(async () => {
  await one.driver.close();
  client.disconnect();
  await server.stop();
});

async function evalshaCallsOf(work: () => Promise<unknown>): Promise<number> {
  await client.config('RESETSTAT');
  await work();
  return commandCounts(await client.info('commandstats'))['evalsha'] ?? 0;
}

describe('gathering', () => {
  it('sends a thousand requests of one tick in sixteen calls', async () => {
    await one.take('warm');
    const names = Array.from({ length: 1_000 }, (_, n) => `gathered:${n}`);

    const calls = await evalshaCallsOf(() => Promise.all(names.map((name) => one.take(name))));

    expect(calls).toBe(16);
  });

  it('renews ten thousand leases in at most fifty calls', async () => {
    const names = Array.from({ length: 10_000 }, (_, n) => `renewed:${n}`);
    const held = await Promise.all(
      names.map(async (name) => ({ name, ...(await one.take(name)) })),
    );
    const requests = held.map(({ name, by: owner }) => {
      return { name, owner, ttlMs: 30_000, atMostMs: null };
    });

    const calls = await evalshaCallsOf(async () => {
      expect(await one.driver.renew(requests)).not.toContain(false);
    });

    expect(calls).toBeLessThanOrEqual(50);
  });

  it('sends a lonely request at once, alone', async () => {
    await one.take('warm again');

    const calls = await evalshaCallsOf(() => one.take('lonely'));

    expect(calls).toBe(1);
  });

  it('fails a lonely request whose key is of another kind', async () => {
    await client.lpush('{locks}:lock:overwritten', 'a list');

    const answer = one.acquire('overwritten');

    await expect(answer).rejects.toMatchObject({ code: 'LOCK_STORE', lockName: 'overwritten' });
  });

  it('fails one request of a call alone, when its key is of another kind', async () => {
    await client.lpush('{locks}:lock:poisoned', 'a list');
    const names = ['well', 'poisoned', 'well, too'];

    const answers = await Promise.allSettled(names.map((name) => one.acquire(name)));

    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(answers[1]).toHaveProperty('reason.code', 'LOCK_STORE');
    expect(answers[1]).toHaveProperty('reason.lockName', 'poisoned');
    expect(answers[1]).toHaveProperty('reason.cause.message', expect.stringMatching(/^WRONGTYPE/));
  });
});

describe('a hand-over', () => {
  it.each([10, 1_000])('costs two script calls with %d waiters', async (waiters) => {
    const name = `hot:${waiters}`;
    const holder = await one.take(name);
    const line = Array.from({ length: waiters }, () => one.owner());
    for (const owner of line) void one.acquire(name, { owner, join: true });
    await eventually(async () => {
      expect((await one.driver.inspect(name)).waiting).toBe(waiters);
    });

    const calls = await evalshaCallsOf(async () => {
      await one.release(name, holder.by);
      await one.take(name, { owner: line[0] ?? '' });
    });

    expect(calls).toBe(2);
  });
});

describe('memory', () => {
  it('is empty but for one clock when a hundred thousand names were used and forgotten', async () => {
    await client.flushall();
    for (let round = 0; round < 50; round += 1) {
      const names = Array.from({ length: 2_000 }, (_, n) => `dynamic:${round}:${n}`);
      await Promise.all(
        names.map(async (name) => {
          const { by, token } = await one.take(name, { ttlMs: 1_000 });
          await one.release(name, by, token);
        }),
      );
    }
    expect(await client.dbsize()).toBeGreaterThan(1_000);

    await eventually(async () => expect(await client.dbsize()).toBe(1), { withinMs: 30_000 });

    expect(await client.keys('*')).toEqual(['{locks}:clock']);
  }, 60_000);

  it('keeps no line and no watch of processes that are gone', async () => {
    const holder = await one.take('left behind', { ttlMs: 1_000 });
    await one.acquire('left behind', { join: true });
    await one.driver.watch('left behind');
    await one.release('left behind', holder.by);

    await eventually(async () => expect(await client.keys('*left behind*')).toEqual([]), {
      withinMs: 30_000,
    });
  }, 60_000);
});
