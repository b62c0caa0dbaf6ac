/**
 * Unknown outcome: the store applied the command, and its reply never came. Seen to fail when
 * - `WaitLoop.ask` asks again under a new owner: the acquire waits for its own orphan;
 * - `WaitLoop.giveUp` does not leave: a grant that nobody wants lasts until its ttl;
 * - `Insistence` does not repeat: so does a release, or a leaving, that was lost;
 * - `LeaseRenewer` does not lose a lease at its deadline (`#ring`): one cut off believes on.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { FaultStore, SERVERS } from './support/stores.js';

describe.each(SERVERS)('when %s applied a command and its reply was lost', (kind) => {
  let store: FaultStore;

  beforeAll(async () => {
    store = await FaultStore.start(kind);
  }, 120_000);
  afterEach(async () => {
    store.proxy?.heal();
    await store.clear();
  });
  afterAll(() => store.stop());

  /** A taker that is through with opening, so that the next message is the one that is meant. */
  async function warm(name: string): ReturnType<FaultStore['taker']> {
    const taker = await store.taker(name);
    const warmUp = store.name();
    await taker.take(warmUp);
    await taker.release(warmUp);
    return taker;
  }

  it.each(['reply', 'request'] as const)(
    'an acquire whose %s was lost is asked again under the same owner and granted',
    async (of) => {
      const taker = await warm('taker');
      const name = store.name();

      const cut = store.proxy?.cut({ pattern: name, of });
      // Were it asked again as somebody else, it would wait for its own first grant: 30 s.
      const taken = await taker.take(name, { ttlMs: 30_000, waitMs: 10_000 });
      await cut;

      expect(taken.previous).toBeNull();
      expect(await taker.look(name)).toEqual({ held: true, aborted: false });
    },
  );

  it('a renewal is repeated, and the lease lives on', async () => {
    const taker = await warm('taker');
    const name = store.name();
    await taker.take(name, { ttlMs: 3_000 });

    await store.proxy?.cut({ pattern: name, of: 'reply' });
    await new Promise((resolve) => setTimeout(resolve, 3_500));

    expect(await taker.look(name)).toEqual({ held: true, aborted: false });
  });

  it('a release is repeated, and the next one has the lock long before the ttl', async () => {
    const [taker, heir] = [await warm('taker'), await store.taker('heir', { direct: true })];
    const name = store.name();
    await taker.take(name, { ttlMs: 60_000 });

    const cut = store.proxy?.cut({ pattern: name, of: 'request' });
    await taker.release(name);
    await cut;

    await heir.take(name, { waitMs: 20_000 });
  });

  it('a caller that gave up leaves no orphan beyond the lease, also if it is never heard of again', async () => {
    const [taker, heir] = [await warm('taker'), await store.taker('heir', { direct: true })];
    const name = store.name();

    const granted = store.proxy?.cut({ pattern: name, of: 'reply' });
    const gaveUp = taker.take(name, { ttlMs: 3_000, waitMs: 2_500 });
    await granted;
    store.proxy?.swallow();
    const sentAt = performance.now();
    await expect(gaveUp).rejects.toMatchObject({ code: 'LOCK_STORE' });
    await heir.take(name, { waitMs: 20_000 });

    expect(performance.now() - sentAt).toBeLessThan(4_500);
  });

  it('a grant whose caller gave up is given back as soon as the store is to be reached', async () => {
    const [taker, heir] = [await warm('taker'), await store.taker('heir', { direct: true })];
    const name = store.name();

    const granted = store.proxy?.cut({ pattern: name, of: 'reply' });
    const gaveUp = taker.take(name, { ttlMs: 60_000, waitMs: 2_500 });
    await granted;
    store.proxy?.swallow();
    await expect(gaveUp).rejects.toMatchObject({ code: 'LOCK_STORE' });
    expect(await heir.try(name)).toBeNull();
    store.proxy?.heal();

    await heir.take(name, { waitMs: 20_000 });
  });

  it('a grant that arrives after its caller gave up is given back', async () => {
    const [taker, heir] = [await warm('taker'), await store.taker('heir', { direct: true })];
    const name = store.name();

    store.proxy?.delay(700);
    await expect(taker.take(name, { ttlMs: 60_000, waitMs: 1_000 })).rejects.toMatchObject({
      name: 'LockWaitTimeoutError',
    });
    store.proxy?.heal();

    await heir.take(name, { waitMs: 20_000 });
  });

  it('a holder that is cut off for good learns of its loss by its own clock', async () => {
    const taker = await warm('taker');
    const name = store.name();
    await taker.take(name, { ttlMs: 1_500 });

    store.proxy?.swallow();

    await eventually(async () => expect(await taker.look(name)).toMatchObject({ aborted: true }));
    const granted = taker.log().find((entry) => entry.what === 'granted' && entry.name === name);
    const lost = taker.log().find((entry) => entry.what === 'lost' && entry.name === name);
    expect(granted).toBeDefined();
    expect(lost?.error).toContain('was lost');
  });
});
