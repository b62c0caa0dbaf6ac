/** Giving up, being forced, and going back to the end of the line. */
import assert from 'node:assert/strict';
import { patient, rules } from '../rule.js';

export const leavingRules = rules('Leaving the line', {
  'gives a place up, and lets those behind move up': async (world) => {
    const name = world.name();
    const [holder, first, second] = world.callers(name);
    const third = world.caller(name);
    await holder.takes();
    for (const waiter of [first, second, third]) await waiter.joins();

    await second.leaves();
    const behind = await third.joins();
    await first.leaves();
    const head = await third.joins();
    await holder.gives();

    assert.deepEqual([behind.ahead, head.ahead], [1, 0]);
    assert.equal((await holder.inspects()).owner, third.owner);
  },

  'leaves no orphan of a cancelled waiter': async (world) => {
    const name = world.name();
    const [holder, waiter, next] = world.callers(name);
    await holder.takes();
    await waiter.joins();

    await waiter.leaves();
    await holder.gives();

    assert.equal((await holder.inspects()).phase, 'free');
    await next.takes();
  },

  'hands the lease on when the claimant leaves, and frees it when nobody is left': async (
    world,
  ) => {
    const name = world.name();
    const [holder, first, second] = world.callers(name);
    await holder.takes();
    await first.joins();
    await second.joins();
    await holder.gives();

    await first.leaves();
    const handedOn = await holder.inspects();
    await second.leaves();
    const left = await holder.inspects();

    assert.deepEqual(
      [handedOn.phase, handedOn.owner, handedOn.waiting],
      ['claimed', second.owner, 0],
    );
    assert.deepEqual([left.phase, left.owner], ['free', null]);
  },

  'hands the lease on when the holder leaves': async (world) => {
    const name = world.name();
    const [holder, first] = world.callers(name);
    await holder.takes();
    await first.joins();

    await holder.leaves();

    assert.equal((await holder.inspects()).owner, first.owner);
    assert.equal(await holder.renews(), false);
    await first.takes();
  },

  'does nothing for an owner that has nothing to give up, however often': async (world) => {
    const name = world.name();
    const [holder, waiter, stranger] = world.callers(name);
    await stranger.leaves();
    await holder.takes();
    await waiter.joins();

    await stranger.leaves();
    await stranger.leaves();
    await waiter.leaves();
    await waiter.leaves();

    const state = await holder.inspects();
    assert.deepEqual([state.owner, state.waiting], [holder.owner, 0]);
    assert.equal((await stranger.driver.inspect(world.name())).phase, 'free');
  },

  'lets a name rest on when the one who held it leaves': async (world) => {
    const name = world.name();
    const [holder, waiter] = world.callers(name);
    await holder.takes();
    await waiter.joins();
    await holder.gives({ atLeastMs: 30_000, error: { name: 'Error', message: 'x' } });

    await holder.leaves();

    const { phase, owner, ending } = await waiter.inspects();
    assert.deepEqual([phase, owner, ending?.how], ['resting', holder.owner, 'failed']);
  },

  'forces a hold, a claim and a rest, hands over each time, and says when there was none': async (
    world,
  ) => {
    const name = world.name();
    const [holder, first, second] = world.callers(name);
    const force = (): Promise<boolean> => second.driver.forceRelease(name);
    const owner = async (): Promise<string | null> => (await second.inspects()).owner;
    const onFree = await force();
    await holder.takes();
    await first.joins();
    await second.joins();

    const ofHold = [await force(), await owner()];
    const ofClaim = [await force(), await owner()];
    await second.takes();
    await second.gives({ atLeastMs: 30_000 });
    const ofRest = [await force(), await owner()];

    assert.deepEqual(
      [onFree, ofHold, ofClaim, ofRest, await force()],
      [false, [true, first.owner], [true, second.owner], [true, null], false],
    );
  },

  'refuses everything to a holder that was forced out': async (world) => {
    const name = world.name();
    const [holder, next] = world.callers(name);
    await holder.takes();
    await holder.driver.forceRelease(name);

    const renewed = await holder.renews();
    const { released } = await holder.releases({ error: { name: 'Error', message: 'late' } });

    assert.deepEqual([renewed, released], [false, false]);
    assert.equal((await next.takes()).previous?.how, 'forced');
    await holder.isRefused();
  },

  'hands over and goes to the end of the line in one step': async (world) => {
    const name = world.name();
    const [holder, first, second] = world.callers(name);
    const again = world.caller(name);
    await holder.takes();
    await first.joins();
    await second.joins();

    const { rejoined } = await holder.gives({ rejoin: again.request({ line: 'join' }) });

    assert.ok(rejoined && !rejoined.granted);
    assert.deepEqual([rejoined.owner, rejoined.ahead], [first.owner, 1]);
    assert.equal((await holder.inspects()).waiting, 2);
    await first.takes();
    await first.gives();
    await second.takes();
    await second.gives();
    await again.takes();
  },

  'grants the lease anew to one that rejoins when nobody waits': async (world) => {
    const name = world.name();
    const [holder, again] = [world.caller(name), world.caller(name)];
    const grant = await holder.takes({ tokens: 1_000 });
    const request = again.request({ line: 'join', tokens: 50 });

    const { rejoined } = await holder.gives({ token: grant.token + 3, rejoin: request });

    assert.ok(rejoined?.granted);
    assert.ok(rejoined.token >= grant.token + 1_000);
    assert.deepEqual(
      [rejoined.tokens, rejoined.previous],
      [50, { how: 'released', owner: holder.owner, token: grant.token + 3 }],
    );
    assert.equal((await holder.inspects()).owner, again.owner);
  },

  'bears a release with rejoin that is repeated: one release, one ticket, one grant': async (
    world,
  ) => {
    const [alone, contended] = [world.name(), world.name()];
    const waiter = world.caller(contended, 1);
    for (const name of [alone, contended]) {
      const [holder, again] = [world.caller(name), world.caller(name)];
      await holder.takes();
      if (name === contended) await waiter.joins();
      const rejoin = again.request({ line: 'join', tokens: 10 });

      const first = await holder.releases({ rejoin });
      const second = await holder.releases({ rejoin });
      const third = await holder.releases({ rejoin });

      assert.deepEqual([first.released, second.released, third.released], [true, false, false]);
      assert.deepEqual(second.rejoined?.granted, first.rejoined?.granted);
      if (name === alone) assert.deepEqual(third.rejoined, first.rejoined);
      const state = await holder.inspects();
      assert.deepEqual(
        [state.owner, state.waiting],
        name === alone ? [again.owner, 0] : [waiter.owner, 1],
      );
    }
  },

  'rejoins the line whatever became of the release': async (world) => {
    const name = world.name();
    const [forced, thief] = world.callers(name);
    const again = world.caller(name);
    await forced.takes();
    await forced.driver.forceRelease(name);
    await thief.takes();

    const answer = await forced.releases({ rejoin: again.request({ line: 'join' }) });

    assert.equal(answer.released, false);
    assert.ok(answer.rejoined && !answer.rejoined.granted);
    assert.equal(answer.rejoined.owner, thief.owner);
    await thief.gives();
    await again.takes();
  },

  'lets one that rejoins wait for the rest of its own hold': async (world) => {
    const name = world.name();
    const [holder, again] = [world.caller(name), world.caller(name)];
    await holder.takes();

    const { released, rejoined } = await holder.releases({
      atLeastMs: 30_000,
      rejoin: again.request({ line: 'join' }),
    });

    assert.ok(released && rejoined && !rejoined.granted);
    assert.equal(rejoined.owner, holder.owner);
    assert.ok(rejoined.remainingMs > 2_000 && rejoined.remainingMs <= 30_000);
    assert.equal((await holder.inspects()).phase, 'resting');
  },

  'grants to one that rejoins behind dead waiters': patient(async (world) => {
    const name = world.name();
    const [holder, dead] = world.callers(name);
    const again = world.caller(name);
    await holder.takes();
    await dead.joins();
    await world.elapse(name, 5_000);

    const { rejoined } = await holder.gives({ rejoin: again.request({ line: 'join' }) });

    assert.equal(rejoined?.granted, true);
  }),
});
