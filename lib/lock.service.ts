/**
 * What an application injects. A thin face of the engine in `core/`: it adds the Observable of
 * `watch`, and nothing else.
 */
import { Observable } from 'rxjs';

import type { HeldLock } from './core/held-lock.js';
import type { HeldLocks } from './core/held-locks.js';
import type { LockState } from './core/lease.js';
import type { LockOptions } from './core/lock-options.js';
import type { Locks } from './core/locks.js';

/**
 * Takes locks, and looks at them. Injected by its class, or with `@InjectLockService(name)` where
 * there are several.
 *
 * @example
 * class Orders {
 *   constructor(
 *     private readonly locks: LockService,
 *     private readonly parcels: Parcels,
 *   ) {}
 *
 *   async ship(id: string): Promise<void> {
 *     await this.locks.withLock(`order:${id}`, { waitMs: 5_000 }, async (lock) => {
 *       await this.parcels.send(id, { fence: lock.token });
 *     });
 *   }
 * }
 */
export class LockService {
  readonly #locks: Locks;

  constructor(locks: Locks) {
    this.#locks = locks;
  }

  /**
   * Runs `body` under the lock, or under all of several, and gives it back when the body settles.
   * The result and the errors of the body pass through untouched, and its error becomes the
   * `lastError` of the next holder. Rejects without running it when the lock is not to be had
   * (`LockHeldError`, `LockWaitTimeoutError`, `LockStoreError`, `LockReentryError`,
   * `LockShutdownError`, the reason of `signal`), and with `LockLostError` when the body
   * succeeded but the lease was lost meanwhile.
   *
   * @example
   * const total = await locks.withLock('till:1', { ttlMs: 10_000 }, async (lock) => {
   *   return countMoney({ signal: lock.signal });
   * });
   */
  withLock<T>(name: string, body: Body<HeldLock, T>): Promise<T>;
  withLock<T>(name: string, options: LockOptions, body: Body<HeldLock, T>): Promise<T>;
  withLock<T>(names: readonly string[], body: Body<HeldLocks, T>): Promise<T>;
  withLock<T>(names: readonly string[], options: LockOptions, body: Body<HeldLocks, T>): Promise<T>;
  withLock<T>(
    names: string | readonly string[],
    second: LockOptions | Body<never, T>,
    third?: Body<never, T>,
  ): Promise<T> {
    return (this.#locks as AnyLocks).withLock(names, second, third);
  }

  /**
   * Waits for the lock, and hands it over: the caller gives it back. Rejects as `withLock` does.
   *
   * @example
   * await using lock = await locks.acquire('order:42');
   *
   * @example
   * const lock = await locks.acquire(['account:1', 'account:2'], { waitMs: 1_000 });
   * try {
   *   await transfer();
   * } finally {
   *   await lock.release();
   * }
   */
  acquire(name: string, options?: LockOptions): Promise<HeldLock>;
  acquire(names: readonly string[], options?: LockOptions): Promise<HeldLocks>;
  acquire(names: string | readonly string[], options?: LockOptions): Promise<HeldLock | HeldLocks> {
    return this.#locks.acquire(names, options);
  }

  /**
   * Takes the lock now, or answers `null` when somebody else has it. Any other trouble rejects: a
   * store that does not answer is not a lock that is held.
   *
   * @example
   * const lock = await locks.tryAcquire('order:42');
   * console.log(lock === null ? 'somebody is at it' : `mine, with the token ${lock.token}`);
   */
  tryAcquire(name: string, options?: LockOptions): Promise<HeldLock | null>;
  tryAcquire(names: readonly string[], options?: LockOptions): Promise<HeldLocks | null>;
  tryAcquire(
    names: string | readonly string[],
    options?: LockOptions,
  ): Promise<HeldLock | HeldLocks | null> {
    return (this.#locks as AnyLocks).tryAcquire(names, options);
  }

  /**
   * The lock that this call chain holds under that name, through `withLock` or `@WithLock`; `null`
   * when it holds none.
   *
   * @example
   * const fence = locks.current('order:42')?.token;
   */
  current(name: string): HeldLock | null {
    return this.#locks.current(name);
  }

  /** What is true of a name now, by the store's clock. No side effect. */
  async inspect(name: string): Promise<LockState> {
    return this.#locks.inspect(name);
  }

  /**
   * Every name that is held, resting or waited for; by default the first 100. May be slow.
   *
   * @example
   * const held = await locks.list({ prefix: 'order:', limit: 20 });
   */
  async list(query?: {
    readonly prefix?: string;
    readonly limit?: number;
  }): Promise<readonly LockState[]> {
    return this.#locks.list(query);
  }

  /**
   * The state of a lock, whoever holds it: the present one first, then every change. It outlives
   * reconnects, and ends with its subscription.
   *
   * @example
   * const subscription = locks.watch('order:42').subscribe(({ phase, owner }) => {
   *   console.log(phase, owner);
   * });
   */
  watch(name: string): Observable<LockState> {
    return new Observable((subscriber) =>
      this.#locks.watch(name, (state) => {
        subscriber.next(state);
      }),
    );
  }

  /**
   * Ends a hold by force, whoever has it. The old holder learns of it at its next renewal at the
   * latest, and works on until then: make sure that it is dead.
   *
   * @returns whether there was anything to end.
   */
  async forceRelease(name: string): Promise<boolean> {
    return this.#locks.forceRelease(name);
  }
}

type Body<L, T> = (lock: L) => T | PromiseLike<T>;

/** The overloads of `Locks`, each rolled into one. */
interface AnyLocks {
  withLock<T>(
    names: string | readonly string[],
    second: LockOptions | Body<never, T>,
    third: Body<never, T> | undefined,
  ): Promise<T>;
  tryAcquire(
    names: string | readonly string[],
    options?: LockOptions,
  ): Promise<HeldLock | HeldLocks | null>;
}
