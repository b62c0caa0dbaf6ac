/** What time does to the line: leases, claims and tickets that run out. */
import assert from 'node:assert/strict';
import { LINE_TIMES } from '../../core/lock-driver.js';
import { patient, rules } from '../rule.js';

export const lineInTimeRules = rules('The line', {
  'never lets one that will not wait pass the line': patient(async (world) => {
    const name = world.name();
    const [holder, first, second] = world.callers(name);
    const stranger = world.caller(name);
    await holder.takes({ ttlMs: 700 });
    await first.joins();
    await second.joins();
    await world.elapse(name, 700);

    const refused = await stranger.isRefused({ line: 'none' });
    const behind = await second.joins();
    const late = await stranger.joins();

    assert.deepEqual(
      [refused.owner, refused.remainingMs, refused.ahead, behind.ahead, late.ahead],
      [null, 0, 2, 1, 2],
    );
    assert.equal((await first.takes()).previous?.how, 'expired');
    await first.gives();
    assert.equal((await second.inspects()).owner, second.owner);
  }),

  'tells the second of a free name to come back when the ticket of the first runs out': patient(
    async (world) => {
      const name = world.name();
      const [holder, dead, second] = world.callers(name);
      await holder.takes({ ttlMs: 3_800 });
      await dead.joins();
      await world.elapse(name, 1_900);
      await second.joins();
      await world.elapse(name, 1_900);

      const answer = await second.joins();

      assert.deepEqual([answer.owner, answer.ahead], [null, 1]);
      assert.ok(answer.retryInMs <= LINE_TIMES.ticketMs - 3_800, `${answer.retryInMs}`);
      await second.waits();
    },
  ),

  'grants a lease that ran out to a waiter that does as it is told': patient(async (world) => {
    const name = world.name();
    const [dead, first, second] = world.callers(name);
    await dead.takes({ ttlMs: 600 });
    await first.joins();
    await second.joins();
    const waits = [first.waits(), second.waits()];
    await world.elapse(name, 600);

    await waits[0];
    await first.gives();
    await waits[1];

    assert.ok(second.token > first.token);
  }),

  'gives the name to the next in line when a claim runs out': patient(async (world) => {
    const name = world.name();
    const [holder, gone, next] = world.callers(name);
    await holder.takes();
    await gone.joins();
    await next.joins();
    await holder.gives();
    await next.joins();
    await world.elapse(name, LINE_TIMES.claimMs);

    const stranger = await holder.isRefused();
    assert.deepEqual([stranger.owner, stranger.ahead], [null, 1]);
    await next.takes();

    // Its ticket is used up: whoever let a claim run out stands at the end again.
    const late = await gone.joins();
    assert.deepEqual([late.owner, late.ahead], [next.owner, 0]);
  }),

  'grants a free name to a claimant that confirms too late, when nobody else came': patient(
    async (world) => {
      const name = world.name();
      const [holder, slow] = world.callers(name);
      await holder.takes();
      await slow.joins();
      await holder.gives();

      await world.elapse(name, LINE_TIMES.claimMs);

      assert.equal((await slow.inspects()).phase, 'free');
      assert.equal((await slow.takes()).previous?.owner, holder.owner);
    },
  ),

  'keeps the ticket of a waiter who comes back in time': patient(async (world) => {
    const name = world.name();
    const [holder, first, second] = world.callers(name);
    await holder.takes();
    await first.joins();
    await second.joins();

    await world.elapse(name, LINE_TIMES.ticketMs - 1_500);
    const late = await second.joins();
    await world.elapse(name, 1_600);

    // The second came back, the first did not.
    assert.equal(late.ahead, 1);
    assert.equal((await second.joins()).ahead, 0);
  }),

  'passes over a dead waiter at the head of the line, when its ticket has run out': patient(
    async (world) => {
      const name = world.name();
      const [holder, dead, live] = world.callers(name);
      await holder.takes();
      await dead.joins();
      for (let passed = 0; passed < LINE_TIMES.ticketMs; passed += 1_250) {
        await live.joins();
        await world.elapse(name, 1_250);
      }

      const { waiting } = await holder.inspects();
      await holder.gives();

      assert.equal(waiting, 1);
      assert.equal((await holder.inspects()).owner, live.owner);
      await live.takes();
    },
  ),

  'sends a waiter whose ticket ran out to the end of the line': patient(async (world) => {
    const name = world.name();
    const [holder, late, live] = world.callers(name);
    await holder.takes();
    await late.joins();
    for (let passed = 0; passed < LINE_TIMES.ticketMs; passed += 1_250) {
      await live.joins();
      await world.elapse(name, 1_250);
    }

    const answer = await late.joins();

    assert.equal(answer.ahead, 1);
    assert.equal((await live.joins()).ahead, 0);
  }),

  'frees the name when only dead waiters are left': patient(async (world) => {
    const name = world.name();
    const [holder, dead, next] = world.callers(name);
    await holder.takes();
    await dead.joins();
    await world.elapse(name, LINE_TIMES.ticketMs);

    await holder.gives();

    assert.equal((await holder.inspects()).phase, 'free');
    await next.takes();
  }),
});
