/**
 * Random walks: the same steps are taken in the driver and in `core/lock-steps.ts`, and must be
 * answered the same. What no rule thought of, a walk may stumble over.
 */
import assert from 'node:assert/strict';
import { rules } from '../rule.js';
import { ReferenceWalk } from '../reference-walk.js';

const STEPS = 120;

export const referenceRules = rules('The reference', {
  'answers as the reference does, step by step, on random walks': async (world) => {
    const firstSeed = world.harness.seed ?? Math.floor(Math.random() * 1e9);
    for (const round of world.rounds(30)) {
      const seed = firstSeed + round;
      const walk = new ReferenceWalk(world, seed);
      try {
        for (let step = 0; step < STEPS && walk.isInTime; step += 1) await walk.step();
      } catch (error) {
        assert.fail(`seed ${seed}, after ${walk.path}: ${String(error)}`);
      }
    }
  },
});
