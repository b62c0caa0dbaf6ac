/** How long a lease lasts: by the store's clock, not longer, and never again. */
import assert from 'node:assert/strict';
import { LONG_MS } from '../caller.js';
import { patient, rules } from '../rule.js';
import { eventually, pause } from '../waiting.js';

export const leaseRules = rules('Leases', {
  'does not grant a held name to another before the ttl is over': patient(async (world) => {
    const name = world.name();
    const [holder, other] = world.callers(name);
    const sentAt = performance.now();
    await holder.takes({ ttlMs: 700 });

    let answer = await other.asks();
    for (; !answer.granted; answer = await other.asks()) {
      assert.ok(answer.remainingMs <= 700, `${answer.remainingMs}`);
      await pause(15);
    }

    const tookMs = performance.now() - sentAt;
    // Two milliseconds for the grain of the clocks.
    assert.ok(tookMs >= 698, `granted after ${tookMs} ms`);
  }),

  'grants a lease that ran out to whoever asks, with no sweeper': patient(async (world) => {
    const name = world.name();
    const [dead, next] = world.callers(name);
    await dead.takes({ ttlMs: 300 });

    await world.elapse(name, 300);
    const grant = await next.takes();

    assert.ok(grant.token > dead.token);
    assert.deepEqual(grant.previous, { how: 'expired', owner: dead.owner, token: dead.token });
  }),

  'never renews a lease that ran out, even if nobody took it': patient(async (world) => {
    const name = world.name();
    const dead = world.caller(name);
    await dead.takes({ ttlMs: 300 });

    await world.elapse(name, 300);
    const renewed = await dead.renews({ note: '"back"' });

    assert.equal(renewed, false);
    const state = await dead.inspects();
    assert.deepEqual([state.phase, state.note, state.ending?.how], ['free', null, 'expired']);
  }),

  'never takes a lease back that ran out': patient(async (world) => {
    const name = world.name();
    const [dead, next] = world.callers(name);
    await dead.takes({ ttlMs: 300 });

    await world.elapse(name, 300);
    const { released } = await dead.releases({ error: { name: 'Error', message: 'late' } });

    assert.equal(released, false);
    assert.equal((await next.takes()).previous?.how, 'expired');
  }),

  'grants anew, with a higher token, to an owner whose own lease ran out': patient(
    async (world) => {
      const name = world.name();
      const dead = world.caller(name);
      const first = await dead.takes({ ttlMs: 300, tokens: 1_000 });

      await world.elapse(name, 300);
      const second = await dead.takes();

      assert.ok(second.token >= first.token + 1_000);
      assert.deepEqual(second.previous, { how: 'expired', owner: dead.owner, token: first.token });
    },
  ),

  'refuses the renewal and the release of a holder whose lease went to another': patient(
    async (world) => {
      const name = world.name();
      const [old, current] = world.callers(name);
      await old.takes({ ttlMs: 300 });
      await world.elapse(name, 300);
      await current.takes();

      const renewed = await old.renews({ ttlMs: 1 });
      const { released } = await old.releases();
      await old.leaves();

      assert.deepEqual([renewed, released], [false, false]);
      const state = await current.inspects();
      assert.equal(state.owner, current.owner);
      assert.ok(state.remainingMs > 5_000);
    },
  ),

  'does not care what the wall clock of the client says': async (world) => {
    const name = world.name();
    const [holder, other] = world.callers(name);
    await holder.takes({ ttlMs: 30_000 });

    for (const hours of [1, -1]) {
      await withWallClockOff(hours * 3_600_000, async () => {
        assert.equal((await other.isRefused()).owner, holder.owner);
        assert.equal(await holder.renews({ ttlMs: 30_000 }), true);
        const { remainingMs, heldForMs } = await other.inspects();
        assert.ok(remainingMs > 5_000 && remainingMs <= 30_000, `${remainingMs}`);
        assert.ok(heldForMs < 30_000, `${heldForMs}`);

        const skewed = world.caller(world.name(), 1);
        await skewed.takes({ ttlMs: 30_000 });
        assert.ok((await skewed.inspects()).remainingMs <= 30_000);
      });
    }

    assert.equal(await holder.renews(), true);
  },

  'keeps a lease for as long as it is renewed': patient(async (world) => {
    const name = world.name();
    const [holder, other] = world.callers(name);
    await holder.takes({ ttlMs: 1_500 });

    const renewals = world.timeIsCheap ? 20 : 5;
    for (let n = 0; n < renewals; n += 1) {
      await world.elapse(name, 750);
      assert.equal(await holder.renews({ ttlMs: 1_500 }), true, `renewal ${n + 1}`);
      await other.isRefused();
    }

    assert.equal((await holder.takes()).token, holder.token);
  }),

  'counts the ttl of a renewal from that step, also when it is shorter': async (world) => {
    const caller = world.caller(world.name());
    await caller.takes();

    assert.equal(await caller.renews({ ttlMs: 20_000 }), true);
    const shorter = await caller.inspects();
    assert.equal(await caller.renews({ ttlMs: 2 * LONG_MS }), true);
    const longer = await caller.inspects();

    assert.ok(shorter.remainingMs <= 20_000, `${shorter.remainingMs}`);
    assert.ok(longer.remainingMs > LONG_MS, `${longer.remainingMs}`);
  },

  'answers renewals in the order of the request, each for itself': async (world) => {
    const [mine, alien, free, also] = [1, 2, 3, 4].map(() => world.caller(world.name()));
    assert.ok(mine && alien && free && also);
    await mine.takes();
    await world.caller(alien.name, 1).takes();
    await also.takes();
    const request = { owner: mine.owner, ttlMs: LONG_MS, atMostMs: null };

    const answers = await mine.driver.renew([
      { ...request, name: free.name },
      { ...request, name: mine.name },
      { ...request, name: alien.name },
      { ...request, name: also.name, owner: also.owner, ttlMs: 20_000, note: '"n"' },
      { ...request, name: also.name },
    ]);

    assert.deepEqual(answers, [false, true, false, true, false]);
    assert.equal((await also.inspects()).note, 'n');
    assert.ok((await also.inspects()).remainingMs <= 20_000);
    assert.ok((await mine.inspects()).remainingMs > 20_000);
    assert.deepEqual(await mine.driver.renew([]), []);
  },

  'renews two thousand leases in one call': async (world) => {
    const prefix = world.name();
    const count = world.size(2_000);
    const holders = Array.from({ length: count }, (_, n) => world.caller(`${prefix}${n}`));
    for (let n = 0; n < count; n += 100) {
      await Promise.all(holders.slice(n, n + 100).map((holder) => holder.takes()));
    }
    const [stolen] = holders;
    assert.ok(stolen);
    await stolen.driver.forceRelease(stolen.name);

    const answers = await stolen.driver.renew(
      holders.map(({ name, owner }) => ({ name, owner, ttlMs: 2 * LONG_MS, atMostMs: null })),
    );

    assert.deepEqual(answers, [false, ...Array.from({ length: count - 1 }, () => true)]);
    const last = await holders.at(-1)?.inspects();
    assert.ok(last && last.remainingMs > LONG_MS);
    for (let n = 0; n < count; n += 100) {
      await Promise.all(holders.slice(n, n + 100).map((holder) => holder.releases()));
    }
  },

  'ends a lease atMostMs after the grant, whatever is asked later': async (world) => {
    const caller = world.caller(world.name());
    const remaining = async (): Promise<number> => (await caller.inspects()).remainingMs;

    await caller.takes({ atMostMs: 20_000 });
    const granted = await remaining();
    await caller.takes({ atMostMs: 20_000 });
    const asked = await remaining();
    assert.equal(await caller.renews({ atMostMs: 20_000 }), true);
    const renewed = await remaining();

    for (const ms of [granted, asked, renewed]) assert.ok(ms > 0 && ms <= 20_000, `${ms}`);
    assert.ok(granted >= asked && asked >= renewed);
  },

  'does not renew a lease whose atMostMs is over, and grants the name to the next': patient(
    async (world) => {
      const name = world.name();
      const [holder, next] = world.callers(name);
      await holder.takes({ atMostMs: 1_600 });

      await world.elapse(name, 700);
      const early = await holder.renews({ atMostMs: 1_600 });
      await world.elapse(name, 900);
      const late = await holder.renews({ atMostMs: 1_600 });

      assert.deepEqual([early, late], [true, false]);
      assert.equal((await next.takes()).previous?.how, 'expired');
    },
  ),

  'lets a name rest that is released before its atLeastMs': patient(async (world) => {
    const name = world.name();
    const [holder, waiter, stranger] = world.callers(name);
    await holder.takes();
    await waiter.joins();
    await world.elapse(name, 400);

    await holder.gives({ atLeastMs: 1_900, error: { name: 'Error', message: 'x' } });

    const state = await holder.inspects();
    assert.deepEqual([state.phase, state.owner], ['resting', holder.owner]);
    // Counted from the grant, not from the release.
    assert.ok(state.remainingMs > 0 && state.remainingMs <= 1_500, `${state.remainingMs}`);
    const answer = await stranger.isRefused();
    assert.equal(answer.owner, holder.owner);
    assert.equal(await holder.renews(), false);
    assert.equal((await holder.releases()).released, false);
    assert.ok((await waiter.joins()).retryInMs <= state.remainingMs);

    await world.elapse(name, 1_500);
    await stranger.isRefused();
    assert.equal((await waiter.takes()).previous?.how, 'failed');
  }),

  'does not keep a name longer for an atLeastMs that is over': patient(async (world) => {
    const name = world.name();
    const [holder, next] = world.callers(name);
    await holder.takes();
    await world.elapse(name, 300);

    await holder.gives({ atLeastMs: 300 });

    await next.takes();
  }),

  'frees a name that rested, by itself': patient(async (world) => {
    const name = world.name();
    const [holder, next] = world.callers(name);
    await holder.takes({ ttlMs: 200 });
    await holder.gives({ atLeastMs: 600 });
    await world.elapse(name, 200);
    if (world.timeIsCheap) await next.isRefused();

    await world.elapse(name, 400);

    const state = await holder.inspects();
    assert.deepEqual([state.phase, state.owner, state.ending?.how], ['free', null, 'released']);
    await eventually('the rest is over', async () => (await next.asks()).granted, 2_000);
  }),
});

/** Runs the body while this process believes that it is another time of the day. */
async function withWallClockOff(byMs: number, body: () => Promise<void>): Promise<void> {
  const RealDate = Date;
  const { now } = Date;
  const shifted = (): number => now() + byMs;
  globalThis.Date = new Proxy(RealDate, {
    get: (target, key) => (key === 'now' ? shifted : (Reflect.get(target, key) as unknown)),
    construct: (target, given, as) =>
      Reflect.construct(target, given.length === 0 ? [shifted()] : given, as) as Date,
  });
  try {
    await body();
  } finally {
    globalThis.Date = RealDate;
  }
}
