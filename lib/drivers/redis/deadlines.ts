/**
 * When to give up on calls that all have the same time: one timer for all of them, which looks at
 * the oldest. A timer for each would be a good part of what a lonely call costs.
 */
export interface Call {
  readonly startedAt: number;
  readonly giveUp: (cause: Error) => void;
}

export class Deadlines {
  readonly #timeoutMs: number;
  readonly #late: () => Error;
  /** In the order in which they began, which is the order in which their time is over. */
  readonly #calls = new Set<Call>();
  #timer: NodeJS.Timeout | null = null;

  /** @param late what a call is told that is given up */
  constructor(timeoutMs: number, late: () => Error) {
    this.#timeoutMs = timeoutMs;
    this.#late = late;
  }

  start(giveUp: (cause: Error) => void): Call {
    const call = { startedAt: performance.now(), giveUp };
    this.#calls.add(call);
    if (this.#timer === null) this.#timer = this.#wake(this.#timeoutMs);
    return call;
  }

  /** @returns whether it was still wanted: `false` if it had been given up */
  finish(call: Call): boolean {
    return this.#calls.delete(call);
  }

  #wake(ms: number): NodeJS.Timeout {
    // A connection that is waited for keeps the process alive; this need not.
    return setTimeout(this.#look, ms).unref();
  }

  readonly #look = (): void => {
    this.#timer = null;
    const now = performance.now();
    for (const call of this.#calls) {
      const leftMs = call.startedAt + this.#timeoutMs - now;
      if (leftMs > 0) {
        this.#timer = this.#wake(leftMs);
        return;
      }
      this.#calls.delete(call);
      call.giveUp(this.#late());
    }
  };
}
