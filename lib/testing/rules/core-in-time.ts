/** The core in time: renewal, loss, waits that end, crashes. In real time, side by side. */
import assert from 'node:assert/strict';
import { LockLostError, LockShutdownError, LockWaitTimeoutError } from '../../core/lock-errors.js';
import { patient, rules } from '../rule.js';
import { eventually, pause } from '../waiting.js';

export const coreInTimeRules = rules('The core', {
  'gives up after waitMs, never earlier, and leaves no ticket': patient(async (world) => {
    const name = world.name();
    const [one, other] = await world.locks();
    const held = await one.acquire(name);
    const startedAt = performance.now();

    await assert.rejects(other.acquire(name, { waitMs: 600 }), LockWaitTimeoutError);

    const tookMs = performance.now() - startedAt;
    // On time is within 100 ms; the rest is what a busy machine may add.
    assert.ok(tookMs >= 599 && tookMs < 2_000, `${tookMs} ms`);
    await eventually('the ticket is gone', async () => (await one.inspect(name)).waiting === 0);
    await held.release();
  }),

  'keeps the lock for as long as the body runs': patient(async (world) => {
    const name = world.name();
    const [one, other] = await world.locks();
    const until = performance.now() + 7_500;

    const { token } = await one.withLock(name, { ttlMs: 2_500 }, async (lock) => {
      while (performance.now() < until) {
        assert.equal(await other.tryAcquire(name), null);
        await pause(100);
      }
      lock.assertHeld();
      return lock;
    });

    const next = await other.acquire(name);
    assert.deepEqual([next.previous?.how, next.previous?.token], ['released', token]);
    await next.release();
  }),

  'renews no more after the release': patient(async (world) => {
    const name = world.name();
    const [one, other] = await world.locks();
    for (let round = 0; round < 5; round += 1) {
      const held = await one.acquire(name, { ttlMs: 600 });
      await pause(150 + 40 * round);
      await held.release();
    }

    await pause(700);

    const state = await other.inspect(name);
    assert.deepEqual([state.phase, state.ending?.how], ['free', 'released']);
  }),

  'tells a holder that was forced out, and rejects the success of its body': patient(
    async (world) => {
      const name = world.name();
      const [one, other] = await world.locks();
      let reason: unknown = null;

      const working = one.withLock(name, { ttlMs: 900 }, async (lock) => {
        await other.forceRelease(name);
        await eventually('the signal aborts', () => lock.signal.aborted, 5_000);
        reason = lock.signal.reason;
        return 'done';
      });

      await assert.rejects(working, LockLostError);
      assert.ok(reason instanceof LockLostError);
      const next = await other.acquire(name);
      assert.equal(next.previous?.how, 'forced');
      await next.release();
    },
  ),

  'ends a hold at atMostMs, and keeps the name taken until atLeastMs': patient(async (world) => {
    const name = world.name();
    const [one, other] = await world.locks();
    const startedAt = performance.now();
    const short = await one.acquire(name, { atLeastMs: 1_000 });
    await short.release();

    const next = await other.acquire(name, { ttlMs: 600, atMostMs: 900 });
    const waitedMs = performance.now() - startedAt;
    await eventually('it is lost', () => next.signal.aborted, 5_000);

    assert.ok(waitedMs >= 998, `${waitedMs} ms`);
    assert.ok(next.signal.reason instanceof LockLostError);
    const last = await one.acquire(name);
    assert.equal(last.previous?.how, 'expired');
    await last.release();
  }),

  'goes to a waiter within the ttl and a second when the holder dies, and says so': patient(
    async (world) => {
      const name = world.name();
      const [, other] = await world.locks();
      const driver = await world.harness.newDriver();
      const dying = await world.freshLocks(driver);
      const held = await dying.acquire(name, { ttlMs: 1_500 });
      const waiting = other.acquire(name, { waitMs: 20_000 });
      await eventually('it waits', async () => (await other.inspect(name)).waiting === 1);

      const diedAt = performance.now();
      await driver.close();
      const next = await waiting;

      const tookMs = performance.now() - diedAt;
      assert.ok(tookMs < 1_500 + 1_000 + 2_000, `${tookMs} ms, with two for a busy machine`);
      assert.deepEqual([next.previous?.how, next.previous?.owner], ['expired', held.owner]);
      assert.ok(next.token > held.token);
      await next.release();
    },
  ),

  'lets no instance starve beside two that never stop': patient(async (world) => {
    const name = world.name();
    const [one, other, modest] = await world.locks();
    const busy = new AbortController();
    const hammer = async (locks: typeof one): Promise<void> => {
      while (!busy.signal.aborted) await locks.withLock(name, () => pause(1));
    };
    const greedy = [one, other, one, other, one, other].map(hammer);
    const waits: number[] = [];

    for (let round = 0; round < 5; round += 1) {
      const startedAt = performance.now();
      await modest.withLock(name, () => undefined);
      waits.push(performance.now() - startedAt);
    }
    busy.abort();
    await Promise.all(greedy);

    const longest = Math.max(...waits);
    assert.ok(longest < 8_000, `${longest} ms, where some tens of milliseconds are the rule`);
  }),

  'sends waiters away when it closes, and leaves a lease whose body still runs': patient(
    async (world) => {
      const name = world.name();
      const waitedFor = world.name();
      const [other] = await world.locks();
      const closing = await world.freshLocks();
      const held = await closing.acquire(name);
      const elsewhere = await other.acquire(waitedFor);
      const waiting = closing.acquire(waitedFor);
      const away = assert.rejects(waiting, LockShutdownError);
      await eventually('it waits', async () => (await other.inspect(waitedFor)).waiting === 1);

      await closing.close();

      await away;
      await assert.rejects(closing.acquire(waitedFor), LockShutdownError);
      assert.equal((await other.inspect(name)).owner, held.owner);
      assert.ok(held.signal.aborted);
      await eventually('no ticket is left', async () => {
        return (await other.inspect(waitedFor)).waiting === 0;
      });
      await elsewhere.release();
      await other.forceRelease(name);
    },
  ),
});
