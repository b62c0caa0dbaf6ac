/** Many seeds as one test; what breaks says how to see it again. */
import { Engine } from '../../lib/core/engine.js';
import { Locks } from '../../lib/core/locks.js';
import { memoryLocks, MemoryStore } from '../../lib/drivers/memory/index.js';
import { simulate } from './simulate.js';
import type { Report } from './simulate.js';
import type { Core } from './world.js';

const REAL: Core = { Engine, Locks, memoryLocks, MemoryStore };

export async function brokenSeeds(from: number, count: number): Promise<readonly string[]> {
  const broken: string[] = [];
  let grants = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    const report = await simulate(REAL, seed);
    grants += report.grants;
    if (report.violations.length > 0) broken.push(describeReport(report));
    // Once in a while, so that a runner that waits for news hears some.
    if (seed % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  if (grants < count) broken.push(`only ${grants} grants in ${count} worlds prove nothing`);
  return broken;
}

export function describeReport({ seed, violations }: Report): string {
  const [first] = violations;
  return (
    `${first?.rule}: ${first?.detail}; to see it again: ` +
    `npm run simulate -- --seed ${seed} --trace`
  );
}
