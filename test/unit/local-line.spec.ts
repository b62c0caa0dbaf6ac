/** The callers of one name inside a process: who is next, and what the last one leaves behind. */
import { describe, expect, it } from '@jest/globals';
import { LockHeldError, LockShutdownError } from '../../lib/core/lock-errors.js';
import type { HeldLock } from '../../lib/core/held-lock.js';
import { Locks } from '../../lib/core/locks.js';
import { memoryLocks, MemoryStore } from '../../lib/drivers/memory/index.js';
import { FakeClock, settled } from '../support/fake-clock.js';
import { meddler } from '../support/meddler.js';
import type { Meddler } from '../support/meddler.js';

function stage(): { clock: FakeClock; locks: Locks; other: Locks; meddle: Meddler } {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock, startedAtMs: 1_000_000 });
  const meddle = meddler(memoryLocks({ store }));
  const locks = new Locks({ driver: meddle.driver, clock, process: 'one' });
  const other = new Locks({ driver: memoryLocks({ store }), clock, process: 'other' });
  return { clock, locks, other, meddle };
}

describe('a try that was refused', () => {
  it('leaves nothing behind that keeps the next caller from asking', async () => {
    const { clock, locks, other } = stage();
    const held = await locks.acquire('a');
    await expect(other.tryAcquire('a')).resolves.toBeNull();

    await held.release();
    await clock.advance(0);

    await expect(other.tryAcquire('a')).resolves.not.toBeNull();
  });

  it('leaves no ticket, no timer and no listener, ten thousand times', async () => {
    const { clock, locks, other } = stage();
    await locks.acquire('a', { renew: false });

    for (let n = 0; n < 10_000; n += 1) await other.tryAcquire('a');
    await clock.advance(20_000);

    expect((await locks.inspect('a')).waiting).toBe(0);
    expect(clock.keepsAlive).toBe(false);
  });
});

describe('turns', () => {
  it('come in order of arrival, under one lease, with rising tokens and true endings', async () => {
    const { locks, meddle } = stage();
    const order: number[] = [];
    const take = async (n: number): Promise<HeldLock> => {
      const lock = await locks.acquire('a');
      order.push(n);
      await lock.release(n === 1 ? new Error('one broke') : undefined);
      return lock;
    };

    const turns = await Promise.all([take(0), take(1), take(2)]);

    expect(order).toEqual([0, 1, 2]);
    expect(meddle.calls).toEqual(['open', 'acquire', 'release']);
    expect(turns.map(({ token }) => token)).toEqual([...turns.map(({ token }) => token)].sort());
    expect(turns[2]?.previous).toMatchObject({ how: 'failed', token: turns[1]?.token });
    expect(turns[2]?.lastError?.message).toBe('one broke');
  });

  it('stop after 20 ms, so that the other instances have theirs', async () => {
    const { clock, locks, other } = stage();
    const served: string[] = [];
    const first = await locks.acquire('a');
    const note = (who: string) => (lock: HeldLock) => {
      served.push(who);
      return lock.release();
    };
    const waiting = [
      other.acquire('a').then(note('other')),
      locks.acquire('a').then(note('local')),
    ];
    await clock.advance(30);

    await first.release();
    await clock.advance(10);
    await Promise.all(waiting);

    expect(served).toEqual(['other', 'local']);
  });

  it('do not share a lease where one of them asks something special of it', async () => {
    const { locks, meddle } = stage();
    const first = await locks.acquire('a');
    const second = locks.acquire('a', { note: 'special' });

    await first.release();
    await second;

    await expect(locks.inspect('a')).resolves.toMatchObject({ note: 'special' });
    expect(meddle.calls).toContain('release');
  });
});

describe('those who wait', () => {
  it('stand in the store as one, however many they are', async () => {
    const { locks, other } = stage();
    await other.acquire('a');

    for (let n = 0; n < 1_000; n += 1) locks.acquire('a').catch(() => undefined);
    await settled();

    expect((await other.inspect('a')).waiting).toBe(1);
  });

  it('leave no ticket and no timer when the last of them is called off', async () => {
    const { clock, locks, other } = stage();
    await other.acquire('a', { renew: false });
    const controller = new AbortController();
    const reason = new Error('enough');
    const calls = [1, 2, 3].map(() => locks.acquire('a', { signal: controller.signal }));
    await settled();

    controller.abort(reason);
    const outcomes = await Promise.allSettled(calls);
    await clock.advance(100);

    expect(outcomes).toEqual(outcomes.map(() => ({ status: 'rejected', reason })));
    expect((await other.inspect('a')).waiting).toBe(0);
    expect(clock.keepsAlive).toBe(false);
  });

  it('are in front of a try, which is refused', async () => {
    const { locks, other } = stage();
    const held = await other.acquire('a');
    const waiting = locks.acquire('a');
    await settled();

    const attempt = locks.acquire('a', { waitMs: 0 });

    await expect(attempt).rejects.toBeInstanceOf(LockHeldError);
    await held.release();
    await expect(waiting).resolves.toMatchObject({ held: true });
  });

  it('are sent away by a shutdown, and their ticket with them', async () => {
    const { clock, locks, other } = stage();
    await other.acquire('a');
    const waiting = locks.acquire('a');
    waiting.catch(() => undefined);
    await settled();

    locks.refuse();
    await clock.advance(10);

    await expect(waiting).rejects.toBeInstanceOf(LockShutdownError);
    expect((await other.inspect('a')).waiting).toBe(0);
  });
});
