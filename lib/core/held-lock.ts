/**
 * The object in the holder's hands: one caller's turn under its process's lease.
 *
 * ```
 *            release()                      released   given back, or passed to the next local
 *            caller
 *          ┌───────────────────────────────▶
 *   held ──┤
 *          └───────────────────────────────▶ lost      deadline, refused renewal, atMostMs,
 *          shutdown:
 *            lose(reason)                              the signal aborts; never given back
 * ```
 * Both ends are final. What belongs to the lease (deadline, renewal) lives in `KeptLease`.
 */
import type { Clock } from './clock.js';
import type { Ending, JsonValue, Lease } from './lease.js';
import { reviveError } from './lease.js';
import type { KeptLease, LeaseRenewer } from './lease-renewer.js';
import { deadlineOf } from './lease-renewer.js';
import type { LockDriver } from './lock-driver.js';
import type { LockError, LossReason } from './lock-errors.js';
import { LockLostError, LockOptionsError } from './lock-errors.js';
import type { Terms } from './lock-options.js';
import { checkMs, checkNote } from './lock-options.js';

/** How the giving back went: `gone` when the store says that it was not ours any more. */
export type ReleaseOutcome = 'released' | 'gone' | 'unknown';

/** If so many renewals do not bring what `ensure` wants, no renewal will. */
const MOST_RENEWALS = 3;

/** What a turn needs of those who made it. */
export interface TurnKeeper {
  readonly driver: LockDriver;
  readonly clock: Clock;
  readonly renewer: LeaseRenewer;
  /** Ends the turn: passes the lease on, or gives it back. Called once, and not after a loss. */
  endTurn(turn: HeldLock, error: unknown): Promise<ReleaseOutcome> | ReleaseOutcome;
}

/**
 * A lock that is held. Give it back with `release()`, or let `await using` or `withLock` do it.
 *
 * @example
 * const lock = await locks.acquire('order:42');
 * try {
 *   await ship(order, { fence: lock.token, signal: lock.signal });
 * } finally {
 *   await lock.release();
 * }
 */
export class HeldLock implements AsyncDisposable {
  /** Greater than the token of every earlier holder of this name. Check it where you write. */
  readonly token: number;
  /** How the hold before this one ended; `null` if there was none, or it is forgotten. */
  readonly previous: Ending | null;
  /** What was agreed when it was taken. @internal */
  readonly terms: Terms;
  /** The lease under this turn. @internal */
  readonly kept: KeptLease;
  /** When the turn began, on our clock. @internal */
  readonly since: number;

  readonly #keeper: TurnKeeper;
  #state: 'held' | 'released' | 'lost' = 'held';
  #loss: LockError | null = null;
  #abort: AbortController | null = null;
  #ending: Promise<ReleaseOutcome> | ReleaseOutcome | null = null;

  /** @internal */
  constructor(
    keeper: TurnKeeper,
    kept: KeptLease,
    terms: Terms,
    token: number,
    previous: Ending | null,
  ) {
    this.#keeper = keeper;
    this.kept = kept;
    this.terms = terms;
    this.token = token;
    this.previous = previous;
    this.since = keeper.clock.now();
  }

  /** What is locked. */
  get name(): string {
    return this.kept.lease.name;
  }

  /** Who holds it, as others see it: `host:pid:instance:n`. */
  get owner(): string {
    return this.kept.lease.owner;
  }

  /** What the store granted. Its token is the first of the block that `token` is from. */
  get lease(): Lease {
    return this.kept.lease;
  }

  /** The driver that granted it. */
  get driver(): LockDriver {
    return this.#keeper.driver;
  }

  /** The error that the hold before this one ended with, as `Error` again; else `null`. */
  get lastError(): Error | null {
    return this.previous?.how === 'failed' ? reviveError(this.previous.error) : null;
  }

  /** Whether it is ours at this very moment, as far as this process can know. */
  get held(): boolean {
    return this.#state === 'held' && this.#keeper.clock.now() < this.kept.deadline;
  }

  /** How long it stays ours if no renewal succeeds; 0 when it is not ours any more. */
  get remainingMs(): number {
    if (this.#state !== 'held') return 0;
    return Math.max(0, this.kept.deadline - this.#keeper.clock.now());
  }

  /** Aborts, with the `LockLostError` as its reason, when the lease is lost. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#loss !== null && !this.#abort.signal.aborted) this.#abort.abort(this.#loss);
    return this.#abort.signal;
  }

  /** Throws if it is not ours any more: the last line before a write that cannot be undone. */
  assertHeld(): void {
    if (!this.held) throw this.#whyNotHeld();
  }

  /**
   * Makes sure that it stays ours for at least `ms`, renewing if it must.
   * Throws `LockLostError` if it is lost before that is known.
   */
  async ensure(ms: number): Promise<void> {
    checkMs('ms', ms, 0);
    if (ms >= deadlineOf(0, this.kept.lease.ttlMs)) {
      const allowed = `shorter than nine tenths of the ttl (${this.kept.lease.ttlMs} ms)`;
      throw new LockOptionsError('ms', ms, allowed, this.name);
    }
    this.assertHeld();
    for (let renewals = 0; this.remainingMs < ms; renewals += 1) {
      if (this.kept.deadline >= this.kept.atMostAt) throw this.#lostBecause('at-most');
      if (renewals === MOST_RENEWALS) {
        const allowed = 'so much shorter than the ttl that a renewal brings it; the store is slow';
        throw new LockOptionsError('ms', ms, allowed, this.name);
      }
      await this.#renewed();
    }
  }

  /** Writes a note on the lock, for `inspect`, `list` and `watch` to show; `null` wipes it. */
  async setNote(note: JsonValue): Promise<void> {
    const text = checkNote(note);
    this.assertHeld();
    this.kept.note = text;
    this.kept.isNoted = true;
    while (this.kept.note === text) await this.#renewed();
  }

  /**
   * Gives the lock back. The next holder sees `error` as its `lastError`; without one, `previous`
   * says `released`. Harmless when repeated or after a loss. Never throws: what the store could not
   * be told now is tried again in the background, until the lease runs out by itself.
   */
  async release(error?: unknown): Promise<void> {
    await this.end(error);
  }

  /** As `release`, and says how it went. @internal */
  end(error?: unknown): Promise<ReleaseOutcome> | ReleaseOutcome {
    if (this.#ending === null) {
      if (this.#state === 'lost') return 'gone';
      this.#become('released');
      this.#ending = this.#keeper.endTurn(this, error);
    }
    return this.#ending;
  }

  /** The lease is gone, or may be: tell whoever listens. @internal */
  lose(reason: LossReason | LockError): LockError {
    const loss = typeof reason === 'string' ? this.#lostBecause(reason) : reason;
    if (this.#state === 'held') {
      this.#loss = loss;
      this.#become('lost');
    }
    return loss;
  }

  /** Why it is not ours at this very moment; `null` if it is, or was given back. @internal */
  lossNow(): LockError | null {
    return this.#state === 'released' || this.held ? null : this.#whyNotHeld();
  }

  /** The loss that only the giving back brought to light. @internal */
  goneAtEnd(): LockLostError {
    return this.#lostBecause('refused');
  }

  /** For `await using`: as `release()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #renewed(): Promise<void> {
    const news = this.kept.nextNews();
    this.#keeper.renewer.renewNow(this.kept);
    await news;
    this.assertHeld();
  }

  #whyNotHeld(): LockError {
    // Past the deadline, the alarm that says so may still be waiting for its turn.
    const reason = this.#state === 'released' ? 'released' : 'unrenewed';
    return this.#loss ?? this.#lostBecause(reason);
  }

  #become(state: 'released' | 'lost'): void {
    this.#state = state;
    if (state === 'lost') this.#abort?.abort(this.#loss);
  }

  #lostBecause(reason: LossReason): LockLostError {
    const { name, owner, ttlMs } = this.kept.lease;
    return new LockLostError(name, owner, this.token, ttlMs, reason);
  }
}
