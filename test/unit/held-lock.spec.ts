/** A lock in hand: how long it is ours, who is told when it is not, and what giving back does. */
import { describe, expect, it } from '@jest/globals';
import { LockLostError, LockOptionsError } from '../../lib/core/lock-errors.js';
import { Locks } from '../../lib/core/locks.js';
import { memoryLocks, MemoryStore } from '../../lib/drivers/memory/index.js';
import { FakeClock, settled } from '../support/fake-clock.js';
import { meddler, silence } from '../support/meddler.js';
import type { Meddler } from '../support/meddler.js';

function stage(): { clock: FakeClock; locks: Locks; other: Locks; meddle: Meddler } {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock, startedAtMs: 1_000_000 });
  const meddle = meddler(memoryLocks({ store }));
  const locks = new Locks({ driver: meddle.driver, clock, process: 'one' });
  const other = new Locks({ driver: memoryLocks({ store }), clock, process: 'other' });
  return { clock, locks, other, meddle };
}

/** The store says nothing to any renewal. */
function renewalsHang(meddle: Meddler): void {
  for (let n = 0; n < 100; n += 1) meddle.next('renew', silence);
}

describe('the deadline', () => {
  it('is nine tenths of the ttl after the request left, however the renewals hang', async () => {
    const { clock, locks, meddle } = stage();
    renewalsHang(meddle);
    const lock = await locks.acquire('a', { ttlMs: 10_000 });

    await clock.advance(8_980);
    const before = [lock.held, lock.signal.aborted];
    await clock.advance(20);

    expect(before).toEqual([true, false]);
    expect([lock.held, lock.signal.aborted]).toEqual([false, true]);
    expect(lock.signal.reason).toMatchObject({ reason: 'unrenewed', token: lock.token });
  });

  it('moves on with every renewal, for ten ttls', async () => {
    const { clock, locks } = stage();
    const lock = await locks.acquire('a', { ttlMs: 1_000 });

    await clock.advance(10_000);

    expect(lock.held).toBe(true);
    expect(lock.remainingMs).toBeGreaterThan(500);
  });

  it('does not move without renewal, and never beyond atMostMs', async () => {
    const { clock, locks } = stage();
    const unrenewed = await locks.acquire('a', { ttlMs: 1_000, renew: false });
    const limited = await locks.acquire('b', { ttlMs: 1_000, atMostMs: 3_000 });

    await clock.advance(1_000);
    const afterOne = [unrenewed.held, limited.held];
    await clock.advance(2_000);

    expect(afterOne).toEqual([false, true]);
    expect(limited.held).toBe(false);
    expect(limited.signal.reason).toMatchObject({ reason: 'at-most' });
  });
});

describe('a holder that was forced out', () => {
  it('is told at its next renewal', async () => {
    const { clock, locks, other } = stage();
    const lock = await locks.acquire('a', { ttlMs: 3_000 });
    await clock.advance(100);

    await other.forceRelease('a');
    await clock.advance(1_000);

    expect(lock.signal.reason).toMatchObject({ reason: 'refused' });
    expect(() => lock.assertHeld()).toThrow(LockLostError);
  });
});

describe('release', () => {
  it('is harmless when repeated, and tells the store once', async () => {
    const { locks, meddle } = stage();
    const lock = await locks.acquire('a');

    await Promise.all([lock.release(), lock.release(new Error('late')), lock.release()]);

    expect(meddle.calls.filter((call) => call === 'release')).toHaveLength(1);
  });

  it('tells the store nothing after a loss', async () => {
    const { clock, locks, meddle } = stage();
    renewalsHang(meddle);
    const lock = await locks.acquire('a', { ttlMs: 1_000 });
    await clock.advance(1_000);

    await lock.release();

    expect(meddle.calls).not.toContain('release');
  });

  it('stops the renewals, also with one under way, and leaves no timer', async () => {
    const { clock, locks, meddle } = stage();
    let answer = (): void => undefined;
    meddle.next('renew', async (go) => {
      const renewed = await go();
      return new Promise((resolve) => {
        answer = () => resolve(renewed);
      });
    });
    const lock = await locks.acquire('a', { ttlMs: 3_000 });
    await clock.advance(1_000);

    await lock.release();
    answer();
    await clock.advance(10_000);

    expect(meddle.calls.filter((call) => call === 'renew')).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });
});

describe('ensure', () => {
  it('asks the store only when too little is left', async () => {
    const { clock, locks, meddle } = stage();
    const lock = await locks.acquire('a', { ttlMs: 9_000, renew: false });
    await lock.ensure(5_000);
    const before = [...meddle.calls];
    await clock.advance(5_000);

    await lock.ensure(5_000);

    expect(before).not.toContain('renew');
    expect(lock.remainingMs).toBeGreaterThanOrEqual(5_000);
  });

  it('gives up, and says so, when no renewal can bring as much', async () => {
    const { clock, locks, meddle } = stage();
    const lock = await locks.acquire('a', { ttlMs: 1_000, renew: false });
    for (let n = 0; n < 50; n += 1) {
      meddle.next('renew', async (go) => {
        const renewed = await go();
        return new Promise((resolve) => void clock.after(50, () => resolve(renewed)));
      });
    }

    const ensured = lock.ensure(890);
    ensured.catch(() => undefined);
    await clock.advance(100);
    const more = lock.ensure(890);
    more.catch(() => undefined);
    await clock.advance(500);

    await expect(more).rejects.toBeInstanceOf(LockOptionsError);
    expect(meddle.calls.filter((call) => call === 'renew').length).toBeLessThan(10);
  });

  it('rejects when the lock is lost, or given back, meanwhile', async () => {
    const { clock, locks, meddle } = stage();
    const [lost, given] = [await locks.acquire('a', { ttlMs: 1_000 }), await locks.acquire('b')];
    renewalsHang(meddle);
    await clock.advance(500);

    const one = lost.ensure(800);
    one.catch(() => undefined);
    const two = given.ensure(26_900);
    two.catch(() => undefined);
    await settled();
    await given.release();
    await clock.advance(1_000);

    await expect(one).rejects.toMatchObject({ reason: 'unrenewed' });
    await expect(two).rejects.toMatchObject({ reason: 'released' });
  });
});

describe('a note', () => {
  it('does not stay for the next turn under the same lease', async () => {
    const { locks, other } = stage();
    const lock = await locks.acquire('a');
    const next = locks.acquire('a');
    await lock.setNote('mine');

    await lock.release();
    await next;

    await expect(other.inspect('a')).resolves.toMatchObject({ phase: 'held', note: null });
  });
});

describe('a signal that calls the wait off', () => {
  it('says nothing once the lock is held, and is not listened to any more', async () => {
    const { locks } = stage();
    const { signal, ...controller } = listened();

    const lock = await locks.acquire('a', { signal });
    controller.abort();

    expect(lock.held).toBe(true);
    expect(controller.listeners()).toBe(0);
  });
});

/** A signal that counts those who listen. */
function listened(): { signal: AbortSignal; abort: () => void; listeners: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners += 1;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners -= 1;
    removeEventListener.apply(signal, args);
  };
  return { signal, abort: () => controller.abort(), listeners: () => listeners };
}
