/**
 * One caller in the local line: how to tell it, until when it waits, and what may call it off. And
 * the line itself: whoever leaves early is taken out of the middle.
 */
import { Alarm } from './alarms.js';
import type { HeldLock } from './held-lock.js';
import type { Terms } from './lock-options.js';

/** Who takes a caller out of the line. */
export interface Usher {
  timedOut(waiting: Waiting, now: number): void;
  dismiss(waiting: Waiting, reason: unknown): void;
}

export class Waiting extends Alarm {
  /** Its neighbours in the line. */
  ahead: Waiting | null = null;
  behind: Waiting | null = null;
  readonly #usher: Usher;

  constructor(
    usher: Usher,
    readonly terms: Terms,
    readonly resolve: (lock: HeldLock) => void,
    readonly reject: (reason: unknown) => void,
    readonly since: number,
  ) {
    super();
    this.#usher = usher;
  }

  /** How many stand before it. */
  get place(): number {
    let place = 0;
    for (let other = this.ahead; other !== null; other = other.ahead) place += 1;
    return place;
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

/** Those who wait, in order of arrival, linked through their own fields. */
export class WaitingList {
  #first: Waiting | null = null;
  #last: Waiting | null = null;
  #size = 0;

  get first(): Waiting | null {
    return this.#first;
  }

  get size(): number {
    return this.#size;
  }

  add(waiting: Waiting): void {
    waiting.ahead = this.#last;
    if (this.#last === null) this.#first = waiting;
    else this.#last.behind = waiting;
    this.#last = waiting;
    this.#size += 1;
  }

  /** Harmless for one that is not in the list. */
  remove(waiting: Waiting): void {
    const { ahead, behind } = waiting;
    if (ahead === null && this.#first !== waiting) return;
    if (ahead === null) this.#first = behind;
    else ahead.behind = behind;
    if (behind === null) this.#last = ahead;
    else behind.ahead = ahead;
    waiting.ahead = null;
    waiting.behind = null;
    this.#size -= 1;
  }
}
