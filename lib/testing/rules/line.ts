/** The line: first come, first served, and what becomes of a place in it. */
import assert from 'node:assert/strict';
import { LINE_TIMES } from '../../core/lock-driver.js';
import { rules } from '../rule.js';

export const lineRules = rules('The line', {
  'serves first come, first served over three processes': async (world) => {
    const name = world.name();
    const holder = world.caller(name);
    await holder.takes();
    // The processes take turns irregularly, so that no order but that of arrival fits.
    const waiters = [2, 0, 1, 1, 0, 2, 2, 1, 0].map((process) => world.caller(name, process));
    for (const [n, waiter] of waiters.entries()) {
      assert.equal((await waiter.joins()).ahead, n);
    }

    let current = holder;
    for (const waiter of waiters) {
      await current.gives();
      assert.equal((await waiter.inspects()).owner, waiter.owner);
      await waiter.takes();
      current = waiter;
    }

    await current.gives();
    assert.equal((await holder.inspects()).phase, 'free');
  },

  'keeps the place of a waiter that asks again, and counts who is ahead': async (world) => {
    const name = world.name();
    const [holder, first, second] = world.callers(name);
    const third = world.caller(name, 1);
    await holder.takes();
    await first.joins();
    await second.joins();
    await third.joins();

    const again = [await third.joins(), await first.joins(), await second.joins()];
    const stranger = await world.caller(name).isRefused();

    assert.deepEqual(
      again.map((answer) => answer.ahead),
      [2, 0, 1],
    );
    assert.equal(stranger.ahead, 3);
    assert.equal((await holder.inspects()).waiting, 3);
  },

  'gives one ticket to one owner that joins twenty times at once': async (world) => {
    for (const _ of world.rounds(10)) {
      const name = world.name();
      const [holder, waiter] = world.callers(name);
      await holder.takes();

      await Promise.all(Array.from({ length: 20 }, () => waiter.joins()));

      assert.equal((await holder.inspects()).waiting, 1);
    }
  },

  'gives fifty that join at once fifty different places, and serves them in that order': async (
    world,
  ) => {
    const name = world.name();
    const holder = world.caller(name);
    await holder.takes();
    const crowd = world.crowd(name, 50);

    await Promise.all(crowd.map((caller) => caller.joins()));

    const places = await Promise.all(crowd.map(async (caller) => (await caller.joins()).ahead));
    assert.deepEqual(
      [...places].sort((a, b) => a - b),
      crowd.map((_, n) => n),
    );
    let current = holder;
    for (const place of crowd.keys()) {
      const next = crowd[places.indexOf(place)];
      assert.ok(next);
      await current.gives();
      await next.takes();
      current = next;
    }
    await current.gives();
  },

  'hands a released lease to the head of the line, and to nobody else': async (world) => {
    const name = world.name();
    const [holder, first, second] = world.callers(name);
    await holder.takes();
    await first.joins();
    await second.joins();

    await holder.gives();

    const state = await holder.inspects();
    assert.deepEqual([state.phase, state.owner, state.waiting], ['claimed', first.owner, 1]);
    assert.ok(state.remainingMs > LINE_TIMES.claimMs / 3, `${state.remainingMs}`);
    assert.ok(state.remainingMs <= LINE_TIMES.claimMs, `${state.remainingMs}`);
    const answer = await second.joins();
    assert.deepEqual([answer.owner, answer.ahead], [first.owner, 0]);
    const stranger = await holder.isRefused();
    assert.deepEqual([stranger.owner, stranger.ahead], [first.owner, 1]);
  },

  'gives the claimant that confirms the full ttl': async (world) => {
    const name = world.name();
    const [holder, waiter] = world.callers(name);
    await holder.takes();
    await waiter.joins();
    await holder.gives();

    const grant = await waiter.takes({ tokens: 9, note: '"confirmed"' });

    const state = await holder.inspects();
    assert.deepEqual([grant.tokens, grant.previous?.owner], [9, holder.owner]);
    assert.deepEqual(
      [state.phase, state.owner, state.waiting, state.note, state.ending],
      ['held', waiter.owner, 0, 'confirmed', null],
    );
    assert.ok(state.remainingMs > LINE_TIMES.ticketMs, `${state.remainingMs}`);
  },

  'takes a claim for no hold: it is neither renewed nor released': async (world) => {
    const name = world.name();
    const [holder, waiter] = world.callers(name);
    await holder.takes();
    await waiter.joins();
    await holder.gives({ error: { name: 'Error', message: 'x' } });

    const renewed = await waiter.renews();
    const { released } = await waiter.releases();

    assert.deepEqual([renewed, released], [false, false]);
    assert.equal((await waiter.takes()).previous?.how, 'failed');
  },

  'frees the name when nobody waits': async (world) => {
    const name = world.name();
    const [holder, next] = world.callers(name);
    await holder.takes({ note: '"gone"' });

    await holder.gives();

    const { phase, owner, remainingMs, heldForMs, waiting, note, token } = await next.inspects();
    assert.deepEqual(
      { phase, owner, remainingMs, heldForMs, waiting, note, token },
      {
        phase: 'free',
        owner: null,
        remainingMs: 0,
        heldForMs: 0,
        waiting: 0,
        note: null,
        token: holder.token,
      },
    );
  },

  'tells waiters to come back in time: within two seconds, the first before the lease runs out':
    async (world) => {
      const [long, short] = [world.name(), world.name()];
      await world.caller(long).takes();
      await world.caller(short).takes({ ttlMs: 900 });

      const first = await world.caller(long, 1).joins();
      const second = await world.caller(long, 2).joins();
      const soon = await world.caller(short, 1).joins();
      const none = await world.caller(long, 2).isRefused();

      for (const { retryInMs } of [first, second, none, soon]) {
        assert.ok(Number.isInteger(retryInMs), `${retryInMs}`);
        assert.ok(retryInMs >= 1 && retryInMs <= LINE_TIMES.refreshMs, `${retryInMs}`);
      }
      assert.ok(soon.retryInMs <= Math.max(1, soon.remainingMs), `${soon.retryInMs}`);
    },
});
