/**
 * Time as the core sees it: how long ago, never what date. The wall clock decides nothing here, so
 * it may be wrong, and may jump, without consequence.
 */

import { performance } from 'node:perf_hooks';

export interface Clock {
  /** Milliseconds on a clock that only goes forward; its zero means nothing. */
  now(): number;
  /** Runs `run` once after `ms`. The timer does not keep the process alive unless it is told to. */
  after(ms: number, run: () => void): Timer;
}

export interface Timer {
  /** Harmless after it ran. */
  cancel(): void;
  /** Whether the process may not end while this timer runs. */
  keepAlive(on: boolean): void;
}

/** The real one: Node's monotonic clock and timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.max(0, Math.ceil(ms))).unref();
    return {
      cancel: () => {
        clearTimeout(timer);
      },
      keepAlive: (on) => {
        if (on) timer.ref();
        else timer.unref();
      },
    };
  },
};
