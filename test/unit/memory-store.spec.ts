/**
 * What is special about the store in memory; that it is a right driver is for the conformance kit.
 */
import { describe, expect, it } from '@jest/globals';

import { memoryLocks, MemoryStore } from '../../lib/drivers/memory/index.js';
import type { AcquireRequest } from '../../lib/core/lock-driver.js';

const request = (name: string, owner: string): AcquireRequest => ({
  name,
  owner,
  ttlMs: 1_000,
  line: 'none',
  tokens: 10,
  atMostMs: null,
  note: null,
});

function shiftedClock() {
  let now = 0;
  return {
    now: () => now,
    after: () => ({ cancel: () => undefined, keepAlive: () => undefined }),
    advance(ms: number) {
      now += ms;
    },
  };
}

describe('the memory store', () => {
  it('forgets names that have been free for longer than keepEndingsMs, and their tokens rise still', async () => {
    const clock = shiftedClock();
    const store = new MemoryStore({ clock, keepEndingsMs: 5, startedAtMs: -1_006 });
    const driver = memoryLocks({ store });
    await driver.open('p');
    for (let n = 0; n < 1_000; n += 1) await driver.acquire(request(`old:${n}`, `p:${n}`));
    // 20,000 tokens in no time: ahead of the clock, so that only the floor can make the next one
    // rise.
    let last = 0;
    for (let n = 0; n < 20; n += 1) {
      const answer = await driver.acquire({ ...request('a', `p:a${n}`), tokens: 1_000 });
      if (answer.granted) last = answer.token + 999;
      await driver.forceRelease('a');
    }
    clock.advance(1_006);

    for (let n = 0; n < 1_000; n += 1) await driver.acquire(request(`new:${n % 3}`, `p:z${n}`));
    const forgotten = await driver.inspect('a');
    const after = await driver.acquire(request('a', 'p:last'));

    expect(store.size).toBeLessThan(10);
    expect(forgotten).toMatchObject({ token: null, ending: null });
    expect(last).toBe(20_000);
    expect(after).toMatchObject({ granted: true, token: expect.any(Number) });
    if (after.granted) expect(after.token).toBeGreaterThan(last);
  });

  it('remembers nothing of a name that was only looked at, waited for or refused', async () => {
    const store = new MemoryStore();
    const driver = memoryLocks({ store });
    await driver.open('p');

    await driver.inspect('a');
    await driver.watch('a');
    await driver.leave('a', 'p:1');
    await driver.forceRelease('a');
    await driver.renew([{ name: 'a', owner: 'p:1', ttlMs: 10, atMostMs: null }]);

    expect(store.size).toBe(0);
  });

  it('grants higher tokens after a restart that lost everything, though its clock stands', async () => {
    const store = new MemoryStore({ clock: shiftedClock() });
    const driver = memoryLocks({ store });
    await driver.open('p');
    const before = await driver.acquire({ ...request('a', 'p:1'), tokens: 1_000 });

    store.restart({ empty: true });
    const after = await driver.acquire(request('a', 'p:2'));

    if (!before.granted || !after.granted) throw new Error('not granted');
    expect(after.token).toBeGreaterThanOrEqual(before.token + 1_000);
    expect(after.previous).toBeNull();
  });

  it('hands over past a driver that was closed', async () => {
    const store = new MemoryStore();
    const [holder, gone, next] = [0, 1, 2].map(() => memoryLocks({ store }));
    if (holder === undefined || gone === undefined || next === undefined) throw new Error();
    await holder.open('holder');
    await gone.open('gone');
    await next.open('next');
    const woken: unknown[] = [];
    next.onWake((wake) => woken.push(wake));
    await holder.acquire(request('a', 'holder:1'));
    await gone.acquire({ ...request('a', 'gone:1'), line: 'join' });
    await next.acquire({ ...request('a', 'next:1'), line: 'join' });

    await gone.close();
    await holder.release({
      name: 'a',
      owner: 'holder:1',
      error: null,
      token: 1,
      atLeastMs: 0,
      rejoin: null,
    });

    expect(await next.inspect('a')).toMatchObject({
      phase: 'claimed',
      owner: 'next:1',
      waiting: 0,
    });
    expect(woken).toEqual([{ kind: 'granted', owner: 'next:1' }]);
  });
});
