/**
 * A clock that stands still until it is told to go on. `advance` rings every timer that falls due,
 * each at its own moment, and lets all promises settle before the next.
 */
import type { Clock, Timer } from '../../lib/core/clock.js';
import { Timeline } from './timeline.js';

export class FakeClock implements Clock {
  readonly #timeline = new Timeline();
  readonly #keepingAlive = new Set<Timer>();

  now(): number {
    return this.#timeline.now;
  }

  after(ms: number, run: () => void): Timer {
    const timer: Timer = {
      cancel: () => {
        happening.off = true;
        this.#keepingAlive.delete(timer);
      },
      keepAlive: (on) => {
        if (on && !happening.off) this.#keepingAlive.add(timer);
        else this.#keepingAlive.delete(timer);
      },
    };
    const happening = this.#timeline.schedule(this.#timeline.now + Math.max(0, ms), () => {
      timer.cancel();
      run();
    });
    return timer;
  }

  /** Timers that would ring if time went on. */
  get timers(): number {
    return this.#timeline.size;
  }

  /** Whether one of them would keep the process from ending. */
  get keepsAlive(): boolean {
    return this.#keepingAlive.size > 0;
  }

  async advance(ms: number): Promise<void> {
    const until = this.#timeline.now + ms;
    await settled();
    while (this.#timeline.nextAt <= until) {
      this.#timeline.next()?.run();
      await settled();
    }
    this.#timeline.now = until;
  }
}

/** Until every promise that can settle without I/O and without timers has done so. */
export function settled(): Promise<void> {
  // A tick of Node's runs only after the queue of microtasks is empty.
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}
