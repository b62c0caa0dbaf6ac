/** How a hold ended is told to the next holder, whole, and to no other. */
import assert from 'node:assert/strict';
import type { EndingError, JsonValue } from '../../core/lease.js';
import { LINE_TIMES } from '../../core/lock-driver.js';
import { patient, rules } from '../rule.js';

const SPECIAL =
  'quotes \' " ` \\ percent %s $1 ? newline \n tab \t NUL \u0000 é 😀 \u2028 \ud7ff </x>';
const NESTED: JsonValue = {
  list: [1, -2.5, 1e21, true, null, [], {}],
  text: SPECIAL,
  '': 0,
  'key with "quotes" and \u0000': { deep: { deeper: [''] } },
};

const ERRORS: readonly EndingError[] = [
  { name: 'Error', message: '' },
  { name: 'TypeError', message: 'x is not a function', code: 'E_TYPE' },
  { name: 'Error', message: SPECIAL, code: 0, data: NESTED },
  { name: 'É', message: 'm'.repeat(2_000), code: -1, data: null },
  { name: 'Error', message: '{"how":"released"}', code: '', data: [] },
  { name: 'Error', message: 'null', data: 'd'.repeat(3_900) },
  { name: '', message: '0', code: '0', data: false },
];

export const endingRules = rules('Endings', {
  'tells the next holder who released, with the token of the last turn': async (world) => {
    const name = world.name();
    const [first, second] = world.callers(name);
    await first.takes({ tokens: 100 });

    await first.gives({ token: first.token + 42 });

    const grant = await second.takes();
    assert.deepEqual(grant.previous, {
      how: 'released',
      owner: first.owner,
      token: first.token + 42,
    });
  },

  'carries the error of a failed hold unchanged: name, message, code and data': async (world) => {
    for (const error of ERRORS) {
      const name = world.name();
      const [first, second] = world.callers(name);
      await first.takes();

      await first.gives({ error });

      const { previous } = await second.takes();
      assert.deepEqual(previous, { how: 'failed', owner: first.owner, token: first.token, error });
    }
  },

  'tells it to the next holder only': async (world) => {
    const name = world.name();
    const [first, second, third] = world.callers(name);
    await first.takes();
    await first.gives({ error: { name: 'Error', message: 'of the first' } });

    const grant = await second.takes();
    await second.gives();
    const after = await third.takes();

    assert.equal(grant.previous?.how, 'failed');
    assert.deepEqual(after.previous, {
      how: 'released',
      owner: second.owner,
      token: second.token,
    });
  },

  'repeats it to the holder that asks again, also after a renewal': async (world) => {
    const name = world.name();
    const [first, second] = world.callers(name);
    await first.takes();
    await first.gives({ error: { name: 'Error', message: 'x' } });
    const grant = await second.takes();

    await second.renews();
    const again = await second.takes();

    assert.deepEqual(again, grant);
  },

  'says expired after a crash, not the older error': patient(async (world) => {
    const name = world.name();
    const [first, crashed, next] = world.callers(name);
    await first.takes();
    await first.gives({ error: { name: 'Error', message: 'older' } });
    await crashed.takes({ ttlMs: 300 });

    await world.elapse(name, 300);

    const ending = { how: 'expired', owner: crashed.owner, token: crashed.token };
    assert.deepEqual((await next.inspects()).ending, ending);
    assert.deepEqual((await next.takes()).previous, ending);
  }),

  'says forced after a forced release, with the owner and its token': async (world) => {
    const name = world.name();
    const [holder, next] = world.callers(name);
    await holder.takes();

    assert.equal(await next.driver.forceRelease(name), true);

    const ending = { how: 'forced', owner: holder.owner, token: holder.token };
    assert.deepEqual((await next.inspects()).ending, ending);
    assert.deepEqual((await next.takes()).previous, ending);
  },

  'keeps it while the name is free, whoever is refused, looks or leaves': async (world) => {
    const name = world.name();
    const [first, second, third] = world.callers(name);
    await first.takes();
    await second.joins();
    await third.joins();
    await first.gives({ error: { name: 'Error', message: 'kept' } });

    await third.isRefused();
    await first.inspects();
    await second.leaves();
    await third.leaves();
    await first.driver.renew([{ name, owner: second.owner, ttlMs: 100, atMostMs: null }]);
    await second.releases();

    const state = await first.inspects();
    assert.deepEqual([state.phase, state.ending?.how], ['free', 'failed']);
    assert.equal((await second.takes()).previous?.how, 'failed');
  },

  'shows it while the name is free or claimed, and not while it is held': async (world) => {
    const name = world.name();
    const [first, second] = world.callers(name);
    await first.takes();
    await second.joins();
    const held = await first.inspects();

    await first.gives();
    const claimed = await first.inspects();
    await second.takes();
    const heldAgain = await first.inspects();
    await second.gives();
    const free = await first.inspects();

    assert.deepEqual(
      [held, claimed, heldAgain, free].map(({ phase, ending }) => [phase, ending?.owner ?? null]),
      [
        ['held', null],
        ['claimed', first.owner],
        ['held', null],
        ['free', second.owner],
      ],
    );
  },

  'hands it on when a claim runs out unconfirmed': patient(async (world) => {
    const name = world.name();
    const [first, gone, next] = world.callers(name);
    await first.takes();
    await gone.joins();
    await first.gives({ error: { name: 'Error', message: 'waits' } });

    await world.elapse(name, LINE_TIMES.claimMs);

    const { previous } = await next.takes();
    assert.deepEqual(
      [previous?.how, previous?.owner, previous?.token],
      ['failed', first.owner, first.token],
    );
  }),

  'hands it on when the claimant leaves': async (world) => {
    const name = world.name();
    const [first, claimant, next] = world.callers(name);
    await first.takes();
    await claimant.joins();
    await next.joins();
    await first.gives({ error: { name: 'Error', message: 'waits' } });

    await claimant.leaves();

    assert.deepEqual((await next.inspects()).owner, next.owner);
    assert.equal((await next.takes()).previous?.owner, first.owner);
  },

  'hands it on when a holder leaves as if it had never been granted': async (world) => {
    const name = world.name();
    const [first, gone, next] = world.callers(name);
    await first.takes();
    await first.gives({ error: { name: 'Error', message: 'waits' } });
    await gone.takes();
    await next.joins();

    await gone.leaves();

    const { previous, token } = await next.takes();
    assert.deepEqual([previous?.how, previous?.owner], ['failed', first.owner]);
    assert.ok(token > gone.token);
  },

  'tells nothing when the only holder before left as if never granted': async (world) => {
    const name = world.name();
    const [gone, next] = world.callers(name);
    await gone.takes();

    await gone.leaves();

    assert.equal((await next.takes()).previous, null);
  },

  'tells the owner that took its place by rejoining': async (world) => {
    const name = world.name();
    const [holder, again] = [world.caller(name), world.caller(name)];
    await holder.takes();

    const { rejoined } = await holder.gives({
      error: { name: 'Error', message: 'x' },
      rejoin: again.request({ line: 'join' }),
    });

    assert.ok(rejoined?.granted);
    assert.equal(rejoined.previous?.how, 'failed');
    assert.equal(rejoined.previous.owner, holder.owner);
  },
});
