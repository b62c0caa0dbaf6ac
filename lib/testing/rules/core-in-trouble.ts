/** The core over a network that loses and repeats: everything comes out right all the same. */
import assert from 'node:assert/strict';
import type { Locks } from '../../core/locks.js';
import { needs, patient, rules } from '../rule.js';
import { behind, deaf, lossy, repeating } from '../unreliable.js';
import { eventually, pause } from '../waiting.js';
import type { World } from '../world.js';

export const coreInTroubleRules = rules('The core', {
  'loses no update where every fourth request or answer is lost, and leaves nothing behind':
    patient(async (world) => {
      const name = world.name();
      const all = await Promise.all(
        [1, 2, 3].map(async () =>
          world.freshLocks(behind(lossy(), await world.harness.newDriver())),
        ),
      );

      await countTogether(world, name, all, 8);

      const [watcher] = await world.locks();
      await eventually('the name is free and nobody waits', async () => {
        const { phase, waiting } = await watcher.inspect(name);
        return phase === 'free' && waiting === 0;
      });
    }),

  'loses no update where every request arrives twice': patient(async (world) => {
    const name = world.name();
    const all = await Promise.all(
      [1, 2].map(async () => world.freshLocks(behind(repeating, await world.harness.newDriver()))),
    );

    await countTogether(world, name, all, 12);

    const [watcher] = await world.locks();
    const { phase, waiting } = await watcher.inspect(name);
    assert.deepEqual([phase, waiting], ['free', 0]);
  }),

  'loses two seconds at most by a push that is lost': needs(
    'push',
    patient(async (world) => {
      const name = world.name();
      const [one] = await world.locks();
      const hardOfHearing = await world.freshLocks(deaf(await world.harness.newDriver()));
      const held = await one.acquire(name);
      const waiting = hardOfHearing.acquire(name);
      await eventually('it waits', async () => (await one.inspect(name)).waiting === 1);
      const startedAt = performance.now();

      await held.release();
      const next = await waiting;

      const tookMs = performance.now() - startedAt;
      assert.ok(tookMs < 2_000 + 1_500, `${tookMs} ms, with some for a busy machine`);
      assert.equal(next.previous?.owner, held.owner);
      await next.release();
    }),
  ),
});

/** Four callers of each instance count up, one inside at a time, each with a higher token. */
async function countTogether(
  world: World,
  name: string,
  all: readonly Locks[],
  count: number,
): Promise<void> {
  const callers = all.flatMap((locks) => [locks, locks, locks, locks]);
  let counter = 0;
  let rounds = 0;
  let inside = 0;
  let last = 0;

  await Promise.all(
    callers.map(async (locks) => {
      for (const _ of world.rounds(world.handOvers(count))) {
        rounds += 1;
        const lock = await locks.acquire(name, { ttlMs: 20_000, waitMs: 50_000 });
        inside += 1;
        assert.equal(inside, 1, 'nobody else is inside');
        assert.ok(lock.token > last, `${lock.token} > ${last}`);
        last = lock.token;
        const read = counter;
        await pause(1);
        counter = read + 1;
        inside -= 1;
        await lock.release();
      }
    }),
  );

  assert.equal(counter, rounds);
}
