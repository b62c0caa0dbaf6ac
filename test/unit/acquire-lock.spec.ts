/** The wait loop: unknown outcomes, late answers, and what giving up leaves behind. */
import { describe, expect, it } from '@jest/globals';
import { LockStoreError, LockWaitTimeoutError } from '../../lib/core/lock-errors.js';
import { Locks } from '../../lib/core/locks.js';
import { memoryLocks, MemoryStore } from '../../lib/drivers/memory/index.js';
import { FakeClock, settled } from '../support/fake-clock.js';
import { cut, meddler, silence } from '../support/meddler.js';
import type { Meddler } from '../support/meddler.js';

interface Stage {
  readonly clock: FakeClock;
  readonly locks: Locks;
  readonly other: Locks;
  readonly meddle: Meddler;
}

/** Two processes on one store; the first one's calls can be meddled with. */
function stage(): Stage {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock, startedAtMs: 1_000_000 });
  const meddle = meddler(memoryLocks({ store }));
  const random = (): number => 0.5;
  const locks = new Locks({ driver: meddle.driver, clock, process: 'one', random });
  const other = new Locks({ driver: memoryLocks({ store }), clock, process: 'other', random });
  return { clock, locks, other, meddle };
}

/** An answer that comes when the test says so. */
function held(meddle: Meddler, verb: 'acquire' | 'leave'): { apply(): Promise<() => void> } {
  let start: (() => Promise<() => void>) | undefined;
  meddle.next(verb, (go) => {
    return new Promise((resolve, reject) => {
      start = async () => {
        const answer = await go().catch(reject);
        return () => resolve(answer);
      };
    });
  });
  return { apply: async () => (start === undefined ? () => undefined : start()) };
}

describe('an unknown outcome', () => {
  it('is asked about again under the same owner, and the lease found', async () => {
    const { clock, locks, meddle } = stage();
    meddle.next('acquire', cut);

    const taking = locks.acquire('a');
    await clock.advance(1_000);
    const lock = await taking;

    expect(lock.owner).toBe('one:1');
    expect(meddle.calls).toEqual(['open', 'acquire', 'acquire']);
  });

  it('does not make atMostMs begin again: the store counts from the grant', async () => {
    const { clock, locks, meddle } = stage();
    meddle.next('acquire', async (go) => {
      await go();
      return silence();
    });

    const taking = locks.acquire('a', { atMostMs: 10_000 });
    await clock.advance(6_000);
    const lock = await taking;

    expect(lock.remainingMs).toBeLessThan(10_000 - clock.now());
  });

  it('is given up and taken afresh when atMostMs is over by the time that it is known', async () => {
    const { clock, locks, meddle } = stage();
    meddle.next('acquire', async (go) => {
      await go();
      return silence();
    });

    const taking = locks.acquire('a', { atMostMs: 2_000 });
    await clock.advance(5_500);
    const lock = await taking;

    expect(lock.owner).toBe('one:2');
    expect(lock.held).toBe(true);
  });
});

describe('a request that went astray', () => {
  it('does not put its terms on a lease that was granted for other ones', async () => {
    const { clock, locks, other, meddle } = stage();
    const astray = held(meddle, 'acquire');
    const short = locks.acquire('a', { ttlMs: 100, waitMs: 5_020 });
    short.catch(() => undefined);
    const long = locks.acquire('a', { ttlMs: 10_000 });
    await clock.advance(6_000);
    const lock = await long;

    await astray.apply();
    await clock.advance(200);

    expect(lock.held).toBe(true);
    await expect(other.tryAcquire('a')).resolves.toBeNull();
  });
});

describe('an answer that comes late', () => {
  it('gives back a lease that nobody waits for any more', async () => {
    const { clock, locks, other, meddle } = stage();
    const late = held(meddle, 'acquire');
    const controller = new AbortController();
    const taking = locks.acquire('a', { signal: controller.signal });
    taking.catch(() => undefined);
    await settled();
    controller.abort();
    await settled();

    const answer = await late.apply();
    answer();
    await clock.advance(10);

    await expect(other.tryAcquire('a')).resolves.not.toBeNull();
    await expect(taking).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('takes back a ticket that was made after its leaving', async () => {
    const { clock, locks, other, meddle } = stage();
    await other.acquire('a');
    const late = held(meddle, 'acquire');
    const controller = new AbortController();
    locks.acquire('a', { signal: controller.signal }).catch(() => undefined);
    await settled();
    controller.abort();
    await settled();

    const answer = await late.apply();
    const between = (await other.inspect('a')).waiting;
    answer();
    await clock.advance(10);

    expect(between).toBe(1);
    expect((await other.inspect('a')).waiting).toBe(0);
  });

  it('does not give up the lease in hand when its own one ran out long ago', async () => {
    const { clock, locks, other, meddle } = stage();
    const first = held(meddle, 'acquire');
    const taking = locks.acquire('a', { ttlMs: 1_000 });
    await settled();
    // Granted, and its answer on the way for longer than the lease lasts.
    const answer = await first.apply();
    await clock.advance(6_000);
    const lock = await taking;

    answer();
    await clock.advance(50);

    expect(lock.held).toBe(true);
    await expect(other.tryAcquire('a')).resolves.toBeNull();
  });

  it('is not handed out when it took the whole life of the lease', async () => {
    const { clock, locks, meddle } = stage();
    const slow = held(meddle, 'acquire');
    const taking = locks.acquire('a', { ttlMs: 1_000 });
    await settled();
    const answer = await slow.apply();
    await clock.advance(950);

    answer();
    const lock = await taking;

    expect(lock.remainingMs).toBeGreaterThan(800);
    expect(meddle.calls.filter((call) => call === 'acquire')).toHaveLength(2);
  });
});

describe('a wait that ends', () => {
  it('before the store was due to answer is a timeout that claims nothing', async () => {
    const { clock, locks, meddle } = stage();
    meddle.next('acquire', silence);

    const taking = locks.acquire('a', { waitMs: 200 });
    taking.catch(() => undefined);
    await clock.advance(300);

    await expect(taking).rejects.toBeInstanceOf(LockWaitTimeoutError);
    await expect(taking).rejects.toThrow('nothing was heard of it yet');
  });

  it('after the store had its time is a failure of the store', async () => {
    const { clock, locks, meddle } = stage();
    for (let n = 0; n < 9; n += 1) meddle.next('acquire', silence);

    const taking = locks.acquire('a', { waitMs: 8_000 });
    taking.catch(() => undefined);
    await clock.advance(9_000);

    await expect(taking).rejects.toBeInstanceOf(LockStoreError);
  });
});

describe('the opening of a driver', () => {
  it('is begun again when it had no answer', async () => {
    const { clock, locks, meddle } = stage();
    meddle.next('open', silence);

    const taking = locks.acquire('a');
    await clock.advance(17_000);

    await expect(taking).resolves.toMatchObject({ held: true });
    expect(meddle.calls.filter((call) => call === 'open')).toHaveLength(2);
  });
});

describe('giving back', () => {
  it('is repeated until the store has answered, and the holder waits a second at most', async () => {
    const { clock, locks, other, meddle } = stage();
    const lock = await locks.acquire('a');
    meddle.next('release', silence);
    meddle.next('release', () => Promise.reject(new Error('ECONNREFUSED')));
    let isDone = false;

    void lock.release().then(() => (isDone = true));
    await clock.advance(900);
    const before = isDone;
    await clock.advance(200);
    const after = isDone;
    await clock.advance(1_000);

    expect([before, after]).toEqual([false, true]);
    await expect(other.tryAcquire('a')).resolves.not.toBeNull();
  });

  it('is not repeated once everything is closed, nor holds up the end of the process', async () => {
    const { clock, locks, meddle } = stage();
    const lock = await locks.acquire('a');
    for (let n = 0; n < 99; n += 1) meddle.next('release', silence);
    void lock.release();

    const closing = locks.close();
    await clock.advance(1_500);
    await closing;
    const keepsAlive = clock.keepsAlive;
    await clock.advance(12_000);

    expect(keepsAlive).toBe(false);
    expect(clock.timers).toBe(0);
  });
});
