/** What the scenarios' work is made of: loops that run side by side, and a common clock. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sample, WorkContext } from './contract.js';
import { Failures } from './failures.js';

/** Milliseconds on the one clock that all processes of a machine share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * As `runLoops`, and counts what was done when the time is over, without waiting for the last ones.
 */
export async function runLoopsCutOff(
  inFlight: number,
  forMs: number,
  failures: Failures,
  step: () => Promise<void>,
): Promise<{ readonly elapsedMs: number; readonly perLoop: readonly number[] }> {
  const perLoop = new Array<number>(inFlight).fill(0);
  const start = performance.now();
  void runLoops(inFlight, forMs, failures, async (loop) => {
    await step();
    perLoop[loop] = (perLoop[loop] ?? 0) + 1;
  });
  await sleep(forMs);
  failures.close();
  return { elapsedMs: performance.now() - start, perLoop: [...perLoop] };
}

/**
 * Runs `step` again and again in as many loops at once as asked for, until the time is over and the
 * last one has ended. A step that throws is counted and the loop goes on.
 */
export async function runLoops(
  inFlight: number,
  forMs: number,
  failures: Failures,
  step: (loop: number, round: number) => Promise<void>,
  goOn: () => boolean = () => true,
): Promise<Sample & { readonly perLoop: readonly number[] }> {
  const perLoop = new Array<number>(inFlight).fill(0);
  const start = performance.now();
  const end = start + forMs;
  const loop = async (index: number): Promise<void> => {
    for (let round = 0; performance.now() < end && !failures.tooMany && goOn(); round++) {
      try {
        await step(index, round);
        perLoop[index] = (perLoop[index] ?? 0) + 1;
      } catch (error) {
        failures.add(error);
      }
    }
  };
  await Promise.all(perLoop.map((_, index) => loop(index)));
  return {
    turns: perLoop.reduce((a, b) => a + b, 0),
    elapsedMs: performance.now() - start,
    perLoop,
  };
}

/** Runs `count` steps, at most `inFlight` at once, each once. */
export async function runEach(
  count: number,
  inFlight: number,
  step: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < count) await step(next++);
  };
  await Promise.all(Array.from({ length: Math.min(count, inFlight) }, loop));
}

/**
 * All processes take turns on one name for a while, so that waiting and handing over are compiled
 * when the clock starts, as they are in a service that has run for a minute. Failures do not count
 * here: who fails always will fail again.
 */
export async function warmUp({ lock, params, prefix }: WorkContext): Promise<void> {
  await runLoops(1, params['warmMs'] ?? 0, new Failures(), () =>
    lock.withLock(`${prefix}warm`, async () => {}),
  );
}
