/**
 * Crash and pause. Seen to fail when, in the library,
 * - `LeaseRenewer` does not lose a lease at its deadline (`#ring`): the paused holder believes on;
 * - a driver renews a lease that ran out: the paused holder comes back to life;
 * - `fencedTransaction` does not ask `fence`: the late commit goes through.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { FaultStore, STORES } from './support/stores.js';

describe.each(STORES)('a holder on %s', (kind) => {
  let store: FaultStore;

  beforeAll(async () => {
    store = await FaultStore.start(kind);
  }, 120_000);
  afterEach(() => store.clear());
  afterAll(() => store.stop());

  it('that is killed has its lock taken over within the ttl and a second', async () => {
    const [victim, heir] = await store.takers('victim', 'heir');
    const name = store.name();
    const { token } = await victim.take(name, { ttlMs: 1_500 });

    const killedAt = performance.now();
    const waiting = heir.take(name, { ttlMs: 1_500, waitMs: 20_000 });
    await victim.kill();
    const taken = await waiting;

    expect(performance.now() - killedAt).toBeLessThan(2_500);
    expect(taken.previous).toMatchObject({ how: 'expired', token });
    expect(taken.token).toBeGreaterThan(token);
  });

  it('that is paused beyond its lease is told when it wakes, and cannot bring it back', async () => {
    const [sleeper, heir] = await store.takers('sleeper', 'heir');
    const name = store.name();
    const { token } = await sleeper.take(name, { ttlMs: 1_000 });

    await sleeper.pause();
    const taken = await heir.take(name, { ttlMs: 5_000, waitMs: 20_000 });
    sleeper.resume();

    await eventually(async () => expect(await sleeper.look(name)).toMatchObject({ aborted: true }));
    expect(await sleeper.look(name)).toMatchObject({ held: false });
    expect(await heir.look(name)).toEqual({ held: true, aborted: false });
    expect(taken.token).toBeGreaterThan(token);
  });

  it('whose event loop is blocked beyond its lease does not believe in it afterwards', async () => {
    const [blocked, heir] = await store.takers('blocked', 'heir');
    const name = store.name();
    await blocked.take(name, { ttlMs: 1_000 });

    const blocking = blocked.tell({ order: 'block', ms: 2_500 });
    const looked = blocked.look(name);
    await heir.take(name, { ttlMs: 5_000, waitMs: 20_000 });
    await blocking;

    expect(await looked).toMatchObject({ held: false });
    await eventually(async () => expect(await blocked.look(name)).toMatchObject({ aborted: true }));
  });

  if (kind !== 'redis') {
    it('that was paused cannot commit late: its fenced transaction is rolled back', async () => {
      const rowsOf = await store.tableWitness();
      const [sleeper, heir] = await store.takers('sleeper', 'heir');
      const name = store.name();
      await sleeper.take(name, { ttlMs: 1_000 });

      // SQLite has one writer: a sleeper in the middle of a transaction would stop the heir, too.
      // Its own order meets it asleep, and is obeyed when it wakes.
      const asleepBefore = kind === 'sqlite';
      if (asleepBefore) await sleeper.pause();
      const late = sleeper.tell({
        order: 'count',
        name,
        ...(asleepBefore ? {} : { lingerMs: 200 }),
      });
      const outcome = late.then(
        () => 'committed',
        (error: { code?: string }) => error.code,
      );
      if (!asleepBefore) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        await sleeper.pause();
      }
      await heir.take(name, { ttlMs: 10_000, waitMs: 20_000 });
      await heir.tell({ order: 'count', name });
      sleeper.resume();

      expect(await outcome).toBe('LOCK_LOST');
      expect(await rowsOf(name)).toHaveLength(1);
    });
  }

  it('is followed by three processes in the order in which they came', async () => {
    const [holder, ...waiters] = await store.takers('holder', 'first', 'second', 'third');
    const name = store.name();
    await holder.take(name);
    const served: string[] = [];

    const waiting: Promise<unknown>[] = [];
    for (const waiter of waiters) {
      const turn = waiter.take(name, { waitMs: 20_000 }).then(() => {
        served.push(waiter.name);
        return waiter.release(name);
      });
      waiting.push(turn);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    await holder.release(name);
    await Promise.all(waiting);

    expect(served).toEqual(['first', 'second', 'third']);
  });

  it('is followed within 5 s by the second of the line when the first was killed', async () => {
    const [holder, dead, heir] = await store.takers('holder', 'dead', 'heir');
    const name = store.name();
    await holder.take(name);
    dead.take(name, { waitMs: 20_000 }).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const waiting = heir.take(name, { waitMs: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 300));

    await dead.kill();
    await holder.release(name);
    const releasedAt = performance.now();
    await waiting;

    expect(performance.now() - releasedAt).toBeLessThan(5_500);
  });

  it('that closes in good order gives its lock on, and its process ends by itself', async () => {
    const [leaver, heir] = await store.takers('leaver', 'heir');
    const name = store.name();
    await leaver.take(name, { ttlMs: 30_000 });

    const waiting = heir.take(name, { waitMs: 20_000 });
    await leaver.release(name);
    const code = await leaver.close();
    const taken = await waiting;

    expect(code).toBe(0);
    expect(taken.previous).toMatchObject({ how: 'released' });
  });
});
