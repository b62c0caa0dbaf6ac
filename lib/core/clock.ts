/**
 * Time as the core sees it: how long ago, never what date. The wall clock decides nothing here, so
 * it may be wrong, and may jump, without consequence.
 */

export interface Clock {
  /** Milliseconds on a clock that only goes forward; its zero means nothing. */
  now(): number;
  /**
   * Runs `run` once after `ms`. A `background` timer does not keep the process alive.
   * @returns cancels it; harmless after it ran.
   */
  after(ms: number, run: () => void, background?: boolean): () => void;
}

/** The real one: Node's monotonic clock and timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, run, background = false) {
    const timer = setTimeout(run, Math.max(0, Math.ceil(ms)));
    if (background) timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
