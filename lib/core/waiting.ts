/**
 * One caller in the local line: how to tell it, until when it waits, and what may call it off.
 */
import type { Alarm } from './alarms.js';
import type { HeldLock } from './held-lock.js';
import type { Terms } from './lock-options.js';

/** Who takes a caller out of the line. */
export interface Usher {
  timedOut(waiting: Waiting, now: number): void;
  dismiss(waiting: Waiting, reason: unknown): void;
}

export class Waiting implements Alarm {
  slot = -1;
  readonly #usher: Usher;

  constructor(
    usher: Usher,
    readonly terms: Terms,
    readonly resolve: (lock: HeldLock) => void,
    readonly reject: (reason: unknown) => void,
    readonly since: number,
  ) {
    this.#usher = usher;
  }

  ring(now: number): void {
    this.#usher.timedOut(this, now);
  }

  listen(): void {
    this.terms.signal?.addEventListener('abort', this);
  }

  stopListening(): void {
    this.terms.signal?.removeEventListener('abort', this);
  }

  /** The caller's signal aborted. */
  handleEvent(): void {
    this.#usher.dismiss(this, this.terms.signal?.reason);
  }
}
