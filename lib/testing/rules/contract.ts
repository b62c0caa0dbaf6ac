/** The bare contract: one lease a name, granted to one, given back by that one alone. */
import assert from 'node:assert/strict';
import { LockStoreError } from '../../core/lock-errors.js';
import { patient, rules } from '../rule.js';
import { LONG_MS } from '../caller.js';

export const contractRules = rules('Contract', {
  'grants a free name': async (world) => {
    const caller = world.caller(world.name());

    const grant = await caller.takes({ tokens: 7 });

    assert.equal(grant.previous, null);
    assert.equal(grant.tokens, 7);
    assert.ok(Number.isSafeInteger(grant.token) && grant.token > 0, `token ${grant.token}`);
  },

  'refuses a held name at once, and says who holds it, for how long, and how many are ahead':
    async (world) => {
      const name = world.name();
      const [holder, first, second] = world.callers(name);
      await holder.takes({ ttlMs: 20_000 });

      const alone = await first.isRefused();
      await first.joins();
      await second.joins();
      const asStranger = await world.caller(name, 2).isRefused();

      assert.equal(alone.owner, holder.owner);
      assert.ok(alone.remainingMs > 5_000 && alone.remainingMs <= 20_000, `${alone.remainingMs}`);
      assert.equal(alone.ahead, 0);
      assert.equal(asStranger.owner, holder.owner);
      assert.equal(asStranger.ahead, 2);
    },

  'grants exactly one of fifty simultaneous attempts': async (world) => {
    for (const _ of world.rounds(20)) {
      const crowd = world.crowd(world.name(), 50);

      const answers = await Promise.all(crowd.map((caller) => caller.asks()));

      const winners = crowd.filter((_, n) => answers[n]?.granted);
      assert.equal(winners.length, 1);
      for (const answer of answers) {
        if (!answer.granted) assert.equal(answer.owner, winners[0]?.owner);
      }
    }
  },

  'grants exactly one of fifty simultaneous attempts on a lease that ran out': patient(
    async (world) => {
      const name = world.name();
      const dead = world.caller(name);
      await dead.takes({ ttlMs: 500 });
      await world.elapse(name, 500);
      const crowd = world.crowd(name, 50);

      const answers = await Promise.all(crowd.map((caller) => caller.asks()));

      const granted = answers.filter((answer) => answer.granted);
      assert.equal(granted.length, 1);
      assert.ok(granted[0]?.granted && granted[0].token > dead.token);
      assert.equal(granted[0].previous?.how, 'expired');
    },
  ),

  'grants exactly one of fifty attempts that meet the release': async (world) => {
    for (const _ of world.rounds(20)) {
      const name = world.name();
      const holder = world.caller(name);
      await holder.takes();
      const crowd = world.crowd(name, 50);

      const [, ...answers] = await Promise.all([
        holder.gives(),
        ...crowd.map((caller) => caller.asks()),
      ]);

      assert.ok(answers.filter((answer) => answer.granted).length <= 1);
    }
  },

  'keeps two names independent': async (world) => {
    const one = world.caller(world.name());
    const other = world.caller(world.name());

    await one.takes();
    await other.takes();
    await one.gives();

    assert.equal((await one.inspects()).phase, 'free');
    assert.equal((await other.inspects()).owner, other.owner);
  },

  'grants and takes back a thousand times, each time with a higher token': async (world) => {
    const name = world.name();
    let last = 0;

    for (const round of world.rounds(1_000)) {
      const caller = world.caller(name, round);
      const grant = await caller.takes();
      assert.ok(grant.token > last, `${grant.token} > ${last}`);
      last = grant.token;
      await caller.gives();
    }

    assert.equal((await world.caller(name).inspects()).phase, 'free');
  },

  'answers the same grant to the owner that asks again': async (world) => {
    const name = world.name();
    const [before, holder] = world.callers(name);
    await before.takes();
    await before.gives({ error: { name: 'Error', message: 'first' } });
    const grant = await holder.takes({ tokens: 10, note: '"mine"' });

    const again = await holder.takes({ tokens: 10, note: '"mine"' });
    const withAnotherBlock = await holder.takes({ tokens: 500, note: '"mine"', line: 'join' });

    assert.deepEqual(again, grant);
    assert.deepEqual(withAnotherBlock, grant);
    assert.equal((await holder.inspects()).waiting, 0);
  },

  'makes one grant of one request that arrives twenty times at once': async (world) => {
    for (const _ of world.rounds(10)) {
      const caller = world.caller(world.name());

      const answers = await Promise.all(
        Array.from({ length: 20 }, () => caller.asks({ line: 'join', tokens: 100 })),
      );

      assert.equal(new Set(answers.map((answer) => answer.granted && answer.token)).size, 1);
      const state = await caller.inspects();
      assert.deepEqual([state.owner, state.waiting], [caller.owner, 0]);
    }
  },

  'counts the ttl of the owner that asks again from that step': async (world) => {
    const caller = world.caller(world.name());
    await caller.takes({ ttlMs: LONG_MS });

    await caller.takes({ ttlMs: 20_000 });
    const shorter = await caller.inspects();
    await caller.takes({ ttlMs: LONG_MS });
    const longer = await caller.inspects();

    assert.ok(shorter.remainingMs <= 20_000, `${shorter.remainingMs}`);
    assert.ok(longer.remainingMs > 20_000, `${longer.remainingMs}`);
  },

  'answers false to a second release, and changes nothing by it': async (world) => {
    const name = world.name();
    const [first, second] = world.callers(name);
    await first.takes();
    await first.gives({ error: { name: 'Error', message: 'first' } });

    const again = await first.releases();
    const grant = await second.takes();
    const late = await first.releases();

    assert.deepEqual([again.released, late.released], [false, false]);
    assert.equal(grant.previous?.how, 'failed');
    assert.equal((await second.inspects()).owner, second.owner);
  },

  'refuses the release of a stranger, and leaves the lock untouched': async (world) => {
    const name = world.name();
    const [holder, stranger, waiter] = world.callers(name);
    await holder.takes({ note: '"mine"' });
    await waiter.joins();
    const before = await holder.inspects();

    const answer = await stranger.releases({ token: holder.token, atLeastMs: 5_000 });
    const byWaiter = await waiter.releases({ token: holder.token });

    const after = await holder.inspects();
    assert.deepEqual([answer.released, byWaiter.released], [false, false]);
    assert.deepEqual(timeless(after), timeless(before));
    assert.equal(await holder.renews(), true);
  },

  'refuses the release and the renewal of an owner that differs in case or white space alone':
    async (world) => {
      const name = world.name();
      const holder = world.caller(name);
      await holder.takes();
      const { owner, driver } = holder;

      for (const other of [owner.toUpperCase(), ` ${owner}`, `${owner} `, `${owner}\u00a0`]) {
        const { released } = await holder.releases({ owner: other });
        const [renewed] = await driver.renew([
          { name, owner: other, ttlMs: 9_000, atMostMs: null },
        ]);
        await driver.leave(name, other);
        assert.deepEqual([released, renewed], [false, false], JSON.stringify(other));
      }

      assert.equal((await holder.inspects()).owner, owner);
    },

  'leaves nothing behind of a refused attempt': async (world) => {
    const name = world.name();
    const holder = world.caller(name);
    await holder.takes();
    await Promise.all(world.crowd(name, 50).map((caller) => caller.isRefused()));
    const resources = process.getActiveResourcesInfo().length;
    const before = await holder.inspects();

    for (const _ of world.rounds(100)) {
      await Promise.all(world.crowd(name, 100).map((caller) => caller.isRefused()));
    }

    const after = await holder.inspects();
    const leaked = process.getActiveResourcesInfo().length - resources;
    assert.deepEqual(timeless(after), timeless(before));
    assert.equal(after.waiting, 0);
    assert.ok(leaked < 50, `${leaked} timers or connections are left behind`);
    assert.equal((await holder.driver.list({ prefix: name, limit: 10 })).length, 1);
  },

  'opens again without harm': async (world) => {
    const name = world.name();
    const fresh = await world.freshProcess();
    const holder = world.caller(name);
    await holder.takes();

    await fresh.driver.open(fresh.address);
    await fresh.driver.open(fresh.address);

    assert.equal((await fresh.driver.inspect(name)).owner, holder.owner);
  },

  'opens five times at once': async (world) => {
    const fresh = await Promise.all([1, 2, 3, 4, 5].map(() => world.freshProcess()));

    const states = await Promise.all(fresh.map((process) => process.driver.inspect(world.name())));

    assert.ok(states.every((state) => state.phase === 'free'));
  },

  'throws a LockStoreError for everything once it is closed': async (world) => {
    const name = world.name();
    const { driver, address } = await world.freshProcess();
    const owner = `${address}:1`;
    const fixed = { name, owner, ttlMs: 5_000, atMostMs: null };
    await driver.close();

    const calls = [
      driver.acquire({ ...fixed, line: 'none', tokens: 1, note: null }),
      driver.renew([fixed]),
      driver.release({ name, owner, error: null, token: 1, atLeastMs: 0, rejoin: null }),
      driver.leave(name, owner),
      driver.inspect(name),
      driver.list({ prefix: name, limit: 1 }),
      driver.watch(name),
      driver.forceRelease(name),
    ];

    await Promise.all(calls.map((call) => assert.rejects(call, LockStoreError)));
    await driver.close();
  },

  'closes without letting go of what it holds': async (world) => {
    const name = world.name();
    const { driver, address } = await world.freshProcess();
    const stranger = world.caller(name);
    await driver.acquire({ ...stranger.request(), owner: `${address}:1` });

    await driver.close();

    assert.equal((await stranger.isRefused()).owner, `${address}:1`);
  },
});

/** What must not change when nothing happens but time. */
function timeless<T extends { remainingMs: number; heldForMs: number }>(
  state: T,
): Omit<T, 'remainingMs' | 'heldForMs'> {
  const { remainingMs: _remaining, heldForMs: _held, ...rest } = state;
  return rest;
}
