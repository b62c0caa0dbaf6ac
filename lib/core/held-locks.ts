/**
 * Several names held together: all or nothing, and one lost means all lost.
 */
import type { HeldLock, ReleaseOutcome } from './held-lock.js';
import type { LockError } from './lock-errors.js';

/**
 * Locks that were taken together. Use it like one lock; the single ones are in `locks`.
 *
 * @example
 * await locks.withLock(['account:1', 'account:2'], async (held) => {
 *   await transfer({ fences: held.locks.map((lock) => lock.token), signal: held.signal });
 * });
 */
export class HeldLocks implements AsyncDisposable {
  /** One for each name, in the order in which they were taken. */
  readonly locks: readonly HeldLock[];
  readonly #first: HeldLock;
  #signal: AbortSignal | null = null;

  /** @internal */
  constructor(first: HeldLock, ...others: readonly HeldLock[]) {
    this.#first = first;
    this.locks = [first, ...others];
  }

  /** What is locked, sorted. */
  get names(): readonly string[] {
    return this.locks.map((lock) => lock.name);
  }

  /** Whether all of them are ours at this very moment, as far as this process can know. */
  get held(): boolean {
    return this.locks.every((lock) => lock.held);
  }

  /** Aborts, with the `LockLostError` as its reason, when the first of them is lost. */
  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any(this.locks.map((lock) => lock.signal));
    return this.#signal;
  }

  /** The first error that a hold before these ended with, as `Error` again; else `null`. */
  get lastError(): Error | null {
    return this.locks.find((lock) => lock.lastError !== null)?.lastError ?? null;
  }

  /** Throws if one of them is not ours any more. */
  assertHeld(): void {
    for (const lock of this.locks) lock.assertHeld();
  }

  /** Makes sure that all stay ours for at least `ms`. */
  async ensure(ms: number): Promise<void> {
    await Promise.all(this.locks.map((lock) => lock.ensure(ms)));
    // The first of them may have been lost while the last was being renewed.
    this.assertHeld();
  }

  /** Gives all back, the last taken first. See `HeldLock.release`. */
  async release(error?: unknown): Promise<void> {
    await this.end(error);
  }

  /** As `release`, and says how it went for the worst of them. @internal */
  async end(error?: unknown): Promise<ReleaseOutcome> {
    const outcomes = await Promise.all(
      [...this.locks].reverse().map(async (lock) => lock.end(error)),
    );
    return outcomes.includes('gone')
      ? 'gone'
      : outcomes.includes('unknown')
        ? 'unknown'
        : 'released';
  }

  /** Why one of them is not ours at this very moment; `null` if all are. @internal */
  lossNow(): LockError | null {
    for (const lock of this.locks) {
      const loss = lock.lossNow();
      if (loss !== null) return loss;
    }
    return null;
  }

  /** The loss that only the giving back brought to light. @internal */
  goneAtEnd(): LockError {
    return this.#first.goneAtEnd();
  }

  /** For `await using`: as `release()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
