/**
 * The store is down: at the start, in between, for good. Seen to fail when
 * - `Engine.open` keeps a failed opening: nothing works again without a restart;
 * - a grant reserves tokens by counting alone: an emptied store begins at one.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { wrongs } from './support/history.js';
import { FaultStore, SERVERS } from './support/stores.js';

describe.each(SERVERS)('when %s is down', (kind) => {
  let store: FaultStore;

  beforeAll(async () => {
    store = await FaultStore.start(kind);
  }, 120_000);
  afterEach(() => store.clear());
  afterAll(() => store.stop());

  it('a try ends in bounded time with a store error, and works again afterwards', async () => {
    const taker = await store.taker('taker');
    const name = store.name();
    await taker.take(store.name());

    await store.proxy?.refuse();
    const startedAt = performance.now();
    await expect(taker.try(name)).rejects.toMatchObject({ code: 'LOCK_STORE' });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    await store.proxy?.open();

    await eventually(async () => expect(await taker.try(name)).not.toBeNull(), {
      withinMs: 15_000,
    });
  });

  it('at the first lock, that fails with a store error, and works when it is up', async () => {
    const taker = await store.taker('early');

    await store.proxy?.refuse();
    await expect(taker.try(store.name())).rejects.toMatchObject({ code: 'LOCK_STORE' });
    await store.proxy?.open();

    await eventually(async () => expect(await taker.try(store.name())).not.toBeNull(), {
      withinMs: 15_000,
    });
  });

  it('a caller that waits through it has the lock when the store is back', async () => {
    const taker = await store.taker('taker');
    await taker.take(store.name());

    await store.proxy?.refuse();
    const waiting = taker.take(store.name(), { waitMs: 30_000 });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await store.proxy?.open();

    expect((await waiting).token).toBeGreaterThan(0);
  });

  it('connections that break cost waiting callers no more than one refresh', async () => {
    const [holder, waiter] = await store.takers('holder', 'waiter');
    const name = store.name();
    await holder.take(name, { ttlMs: 30_000 });
    const waiting = waiter.take(name, { waitMs: 30_000 });
    await new Promise((resolve) => setTimeout(resolve, 300));

    store.proxy?.breakAll();
    await holder.release(name);
    const releasedAt = performance.now();
    await waiting;

    expect(performance.now() - releasedAt).toBeLessThan(8_000);
  });

  it('a short outage does not cost a holder its lease', async () => {
    const taker = await store.taker('taker');
    const name = store.name();
    await taker.take(name, { ttlMs: 6_000 });

    await store.proxy?.refuse();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await store.proxy?.open();
    await new Promise((resolve) => setTimeout(resolve, 5_000));

    expect(await taker.look(name)).toEqual({ held: true, aborted: false });
  });

  it('a store that was killed and restarted, with its memory, does not cost a holder its lease', async () => {
    const [holder, other] = await store.takers('holder', 'other');
    const name = store.name();
    await holder.take(name, { ttlMs: 5_000 });

    await store.server?.kill9();
    await store.server?.restart();
    await eventually(async () => expect(await other.try(store.name())).not.toBeNull(), {
      withinMs: 15_000,
    });
    await new Promise((resolve) => setTimeout(resolve, 5_000));

    expect(await other.try(name)).toBeNull();
    expect(await holder.look(name)).toEqual({ held: true, aborted: false });
  });

  it('a store that was killed and restarted grants higher tokens, and nobody believes falsely', async () => {
    const [before, after] = await store.takers('before', 'after');
    const name = store.name();
    const { token } = await before.take(name, { ttlMs: 2_000, renew: false });

    await store.server?.kill9();
    await store.server?.restart({ empty: kind === 'redis' });
    const taken = await after.take(name, { ttlMs: 2_000, waitMs: 30_000 });

    expect(taken.token).toBeGreaterThan(token);
    // An emptied Redis grants at once: that is what only the token can make good. Those with a disk
    // keep the lease, and the new holder waits for its end.
    if (kind !== 'redis') expect(wrongs(store.entries(), name, null)).toEqual([]);
    await eventually(async () => expect(await before.look(name)).toMatchObject({ held: false }));
    expect(await after.look(name)).toMatchObject({ held: true });
  });
});
