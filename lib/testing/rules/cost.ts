/** Long lines: they cost no more than short ones. Shorter ones where joining is slow. */
import assert from 'node:assert/strict';
import type { Caller } from '../caller.js';
import { needs, rules } from '../rule.js';
import type { World } from '../world.js';

export const costRules = rules('Contention', {
  'serves a line of five hundred in the order in which they came': async (world) => {
    const { holder, waiters } = await crowded(world, world.size(500));

    let current = holder;
    for (const waiter of waiters.slice(0, 20)) {
      await current.gives();
      await waiter.takes();
      current = waiter;
    }

    assert.equal((await holder.inspects()).waiting, Math.max(0, waiters.length - 20));
    await empty(waiters);
    assert.equal((await holder.inspects()).phase, 'free');
  },

  'hands over for the same number of commands before twelve waiters and before five hundred': needs(
    'commands',
    async (world) => {
      const few = await crowded(world, 12);
      const many = await crowded(world, world.size(500));

      const cheap = await costOfHandOvers(world, few);
      const dear = await costOfHandOvers(world, many);

      // Half as much again, for what the store counts beside us.
      assert.ok(dear <= cheap * 1.5 + 10, `${dear} commands instead of ${cheap}`);
      await empty(few.waiters);
      await empty(many.waiters);
    },
  ),
});

/** Less than half of what a ticket lives. */
const JOINING_MS = 2_000;

interface Crowd {
  readonly holder: Caller;
  readonly waiters: readonly Caller[];
}

/** A name that is held, and so many who wait for it. */
async function crowded(world: World, size: number): Promise<Crowd> {
  const name = world.name();
  const holder = world.caller(name);
  await holder.takes();
  const waiters = world.crowd(name, size);
  const startedAt = performance.now();
  let joined = 0;
  // Those who came first must still be alive when the last has come.
  while (joined < 40 || (joined < size && performance.now() - startedAt < JOINING_MS)) {
    const waiter = waiters[joined];
    if (waiter === undefined) break;
    await waiter.joins();
    joined += 1;
  }
  return { holder, waiters: waiters.slice(0, joined) };
}

/** How many commands ten hand-overs take, each with its confirmation. */
async function costOfHandOvers(world: World, { holder, waiters }: Crowd): Promise<number> {
  const counted = async (): Promise<number> => (await world.harness.commands?.()) ?? 0;
  const before = await counted();
  let current = holder;
  for (const waiter of waiters.slice(0, 10)) {
    await current.gives();
    await waiter.takes();
    current = waiter;
  }
  return (await counted()) - before;
}

/** Everybody goes home: whoever waits, and who holds. */
async function empty(waiters: readonly Caller[]): Promise<void> {
  for (const waiter of [...waiters].reverse()) await waiter.leaves();
}
