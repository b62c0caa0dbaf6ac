/** Watching a name: its state now, and news of every change. */
import assert from 'node:assert/strict';
import { needs, rules } from '../rule.js';
import { eventually } from '../waiting.js';

export const watchingRules = rules('Seen from outside', {
  'answers a watch with the present state, and when to look again': async (world) => {
    const name = world.name();
    const [holder, watcher] = world.callers(name);
    const free = await watcher.driver.watch(name);
    await holder.takes();

    const held = await watcher.driver.watch(name);

    assert.deepEqual([free.state.phase, held.state.owner], ['free', holder.owner]);
    for (const { retryInMs } of [free, held]) {
      assert.ok(Number.isInteger(retryInMs) && retryInMs >= 1, `${retryInMs}`);
      assert.ok(retryInMs <= 60_000, `${retryInMs}`);
    }
    assert.equal((await watcher.driver.list({ prefix: name, limit: 5 })).length, 1);
  },

  'tells the watcher of a lease that runs out to look again in time': async (world) => {
    const name = world.name();
    const [holder, watcher] = world.callers(name);
    await holder.takes({ ttlMs: 900 });

    const { state, retryInMs } = await watcher.driver.watch(name);

    assert.ok(retryInMs <= Math.max(1, state.remainingMs) + 1_000, `${retryInMs}`);
  },

  'tells every process that watches of every change': needs('push', async (world) => {
    const name = world.name();
    const [holder, watcher, other] = world.callers(name);
    const heard = (): number =>
      [watcher, other].filter(({ process }) =>
        process.wakes.some((wake) => wake.kind === 'changed' && wake.name === name),
      ).length;
    const changes: Readonly<Record<string, () => Promise<unknown>>> = {
      grant: () => holder.takes(),
      note: () => holder.renews({ note: '"n"' }),
      release: () => holder.gives(),
      'second grant': () => holder.takes(),
      rest: () => holder.gives({ atLeastMs: 30_000 }),
      force: () => holder.driver.forceRelease(name),
      'third grant': () => holder.takes(),
      leave: () => holder.leaves(),
    };

    for (const [change, make] of Object.entries(changes)) {
      await watcher.driver.watch(name);
      await other.driver.watch(name);
      for (const { process } of [watcher, other]) process.forget(name);
      await make();
      await eventually(`both watchers hear of the ${change}`, () => heard() === 2, 5_000);
    }
  }),
});
