/**
 * Gives a lease back and, if local callers wait, goes to the end of the line in the store for the
 * next of them, in the same call. The holder waits for the first try only, and not for long.
 */
import type { Engine } from './engine.js';
import type { HeldLock, ReleaseOutcome } from './held-lock.js';
import type { InsistedStep } from './insist.js';
import { insist } from './insist.js';
import type { EndingError } from './lease.js';
import { describeError } from './lease.js';
import type { AcquireAnswer, AcquireRequest, ReleaseAnswer } from './lock-driver.js';

/** The longest that a holder waits for its lock to be given back; the rest goes on without it. */
const PATIENCE_MS = 1_000;

class GivingBack implements InsistedStep<ReleaseAnswer> {
  readonly action = 'released';
  readonly until: number;
  readonly patienceMs: number;
  resolve: (outcome: ReleaseOutcome) => void = () => undefined;
  /** The first try, when it travels together with a request for the next caller. */
  together: Promise<ReleaseAnswer> | null = null;
  readonly #engine: Engine;
  readonly #turn: HeldLock;
  readonly #error: EndingError | null;

  constructor(engine: Engine, turn: HeldLock, error: unknown) {
    this.#engine = engine;
    this.#turn = turn;
    this.#error = error === undefined ? null : describeError(error);
    this.until = engine.clock.now() + turn.kept.lease.ttlMs;
    this.patienceMs = Math.min(PATIENCE_MS, engine.storeTimeoutMs);
  }

  get name(): string {
    return this.#turn.name;
  }

  send(first: boolean): Promise<ReleaseAnswer> {
    return (first ? this.together : null) ?? this.release(null);
  }

  release(rejoin: AcquireRequest | null): Promise<ReleaseAnswer> {
    const { name, owner, token, terms } = this.#turn;
    const { atLeastMs } = terms;
    const error = this.#error;
    return this.#engine.driver.release({ name, owner, error, token, atLeastMs, rejoin });
  }

  told(answer: ReleaseAnswer | null): void {
    this.resolve(answer === null ? 'unknown' : answer.released ? 'released' : 'gone');
  }
}

/**
 * @param rejoin starts the way to the next lease, with a request that travels with the release;
 *   `null` when no local caller waits.
 */
export function giveBack(
  engine: Engine,
  turn: HeldLock,
  error: unknown,
  rejoin: ((send: (request: AcquireRequest) => Promise<AcquireAnswer>) => void) | null,
): Promise<ReleaseOutcome> {
  const step = new GivingBack(engine, turn, error);
  rejoin?.(async (request) => {
    step.together = step.release(request);
    const { rejoined } = await step.together;
    if (rejoined === null) throw new Error('the driver left rejoin unanswered');
    return rejoined;
  });
  return new Promise((resolve) => {
    step.resolve = resolve;
    insist(engine, step);
  });
}
