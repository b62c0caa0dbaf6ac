/** Fencing tokens only rise, name by name, and no two grants share one. */
import assert from 'node:assert/strict';
import type { Caller } from '../caller.js';
import { needs, patient, rules } from '../rule.js';
import { eventually, pause } from '../waiting.js';

/** 2001, in microseconds: a token below was not counted from the store's time. */
const LONG_AGO = 1_000_000_000_000_000;

export const tokenRules = rules('Tokens', {
  "counts from the store's time in microseconds, in safe integers": async (world) => {
    const grant = await world.caller(world.name()).takes({ tokens: 1_000 });

    assert.ok(grant.token > LONG_AGO, `${grant.token}`);
    assert.ok(Number.isSafeInteger(grant.token + grant.tokens), `${grant.token}`);
  },

  'reserves blocks that never overlap, however the hold before ended': async (world) => {
    const name = world.name();
    const ends: readonly ((holder: Caller) => Promise<unknown>)[] = [
      (holder) => holder.gives(),
      (holder) =>
        holder.gives({ error: { name: 'Error', message: 'x' }, token: holder.token + 999 }),
      (holder) => holder.driver.forceRelease(name),
      (holder) => holder.leaves(),
    ];
    let next = 0;

    for (const round of world.rounds(60)) {
      const holder = world.caller(name, round);
      const tokens = [1, 1_000, 2, 500][round % 4] ?? 1;
      const grant = await holder.takes({ tokens });
      assert.equal(grant.tokens, tokens);
      assert.ok(grant.token >= next, `${grant.token} >= ${next}`);
      next = grant.token + tokens;
      await ends[round % ends.length]?.(holder);
    }
  },

  'reserves blocks that never overlap when many take the name in turn at once': async (world) => {
    const name = world.name();
    const blocks: [first: number, last: number][] = [];
    const client = async (n: number): Promise<void> => {
      for (const _ of world.rounds(world.handOvers(20))) {
        const caller = world.caller(name, n);
        const { token, tokens } = await caller.waits({ tokens: 1_000 });
        blocks.push([token, token + tokens - 1]);
        await caller.gives();
      }
    };

    await Promise.all([0, 1, 2, 3, 4, 5].map(client));

    // They were pushed in the order of the grants.
    for (const [n, [first]] of blocks.entries()) {
      const before = blocks[n - 1];
      if (before !== undefined)
        assert.ok(first > before[1], `block ${n} starts above the one before`);
    }
  },

  'reserves blocks that never overlap when a chain of rejoins is sent at once': async (world) => {
    for (const _ of world.rounds(10)) {
      const name = world.name();
      const first = world.caller(name);
      const { token } = await first.takes({ tokens: 1_000 });
      let holder = first;

      const sent = Array.from({ length: 10 }, () => {
        const next = world.caller(name);
        const answer = holder.releases({ rejoin: next.request({ line: 'join', tokens: 1_000 }) });
        holder = next;
        return answer;
      });

      // In whatever order they arrived: where one was granted, it is a block of its own.
      const tokens = [token];
      for (const { rejoined } of await Promise.all(sent)) {
        if (rejoined?.granted) tokens.push(rejoined.token);
      }
      tokens.sort((one, other) => one - other);
      for (const [n, each] of tokens.entries()) {
        assert.ok(each - (tokens[n - 1] ?? 0) >= 1_000, tokens.join(', '));
      }
    }
  },

  'rises over a lease that ran out': patient(async (world) => {
    const name = world.name();
    const [dead, next] = world.callers(name);
    await dead.takes({ ttlMs: 300, tokens: 1_000 });
    await world.elapse(name, 300);

    const grant = await next.takes();

    assert.ok(grant.token >= dead.token + 1_000);
  }),

  'raises no token for a claim, only when it is confirmed': async (world) => {
    const name = world.name();
    const [holder, waiter] = world.callers(name);
    await holder.takes();
    await waiter.joins();

    await holder.gives();
    const claimed = await waiter.inspects();
    await waiter.takes();
    const held = await waiter.inspects();

    assert.deepEqual([claimed.phase, claimed.token], ['claimed', holder.token]);
    assert.ok(waiter.token > holder.token);
    assert.equal(held.token, waiter.token);
  },

  'rises over a store that lost its memory': needs('forget', async (world) => {
    const name = world.name();
    const [before, after] = world.callers(name);
    const old = await before.takes();

    // No store loses its memory and comes back within the grain of its clock.
    await pause(20);
    await world.harness.forget?.(name);
    const grant = await after.takes();

    assert.ok(grant.token > old.token, `${grant.token} > ${old.token}`);
    assert.equal(grant.previous, null);
    assert.equal(await before.renews(), false);
    assert.equal((await before.releases()).released, false);
  }),

  'rises over a restart of the store': needs('restart', async (world) => {
    const name = world.name();
    const [before, after] = world.callers(name);
    const old = await before.takes();

    await world.harness.restart?.();
    await eventually('the store answers', () =>
      before.inspects().then(
        () => true,
        () => false,
      ),
    );
    await before.driver.forceRelease(name);
    await after.waits();

    assert.ok(after.token > old.token, `${after.token} > ${old.token}`);
  }),
});
