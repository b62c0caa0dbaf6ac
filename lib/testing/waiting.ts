/** Waiting, as rules do it: for a moment, or until something has become true. */
import assert from 'node:assert/strict';

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** A sleep that ends early if it is rung, also if it was rung before it began. */
export class Alarm {
  #rung = false;
  #wake = (): void => undefined;

  ring(): void {
    this.#rung = true;
    this.#wake();
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#rung ? 0 : ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Resolves as soon as `isTrue` is; fails with `what` when it is not within `withinMs`. */
export async function eventually(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const giveUp = performance.now() + withinMs;
  while (!(await isTrue())) {
    assert.ok(performance.now() < giveUp, `within ${withinMs} ms: ${what}`);
    await pause(10);
  }
}
