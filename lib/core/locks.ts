/**
 * The engine: takes locks, runs bodies under them, and looks at them from outside. It knows no
 * Nest; `LockService` is its face in a Nest application.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { pid } from 'node:process';
import { GRID_MS, Reminder } from './alarms.js';
import { CallChain } from './call-chain.js';
import type { Clock } from './clock.js';
import { systemClock } from './clock.js';
import { Engine } from './engine.js';
import type { HeldLock } from './held-lock.js';
import { HeldLocks } from './held-locks.js';
import type { LockState } from './lease.js';
import type { LockDriver } from './lock-driver.js';
import { LockHeldError, LockOptionsError, LockReentryError } from './lock-errors.js';
import { LockShutdownError, LockWaitTimeoutError } from './lock-errors.js';
import type { LockObserver } from './lock-events.js';
import { safely } from './lock-events.js';
import { LocalLine } from './local-line.js';
import type { LockDefaults, LockOptions, Terms } from './lock-options.js';
import { checkMs, checkName, checkTerms } from './lock-options.js';
import { Watching } from './watching.js';

/** What `Locks` is made of. */
export interface LocksConfig {
  readonly driver: LockDriver;
  readonly defaults?: LockDefaults;
  /** How long one call to the store may take before it counts as failed. By default 5 s. */
  readonly storeTimeoutMs?: number;
  readonly onEvent?: LockObserver;
  /** For tests: the clock, the name of this process, and the source of jitter. */
  readonly clock?: Clock;
  readonly process?: string;
  readonly random?: () => number;
}

export class Locks {
  readonly #engine: Engine;
  readonly #base: Terms;
  readonly #lines = new Map<string, LocalLine>();
  readonly #watching = new Map<string, Set<Watching>>();
  readonly #chain = new CallChain();
  #refusing = false;
  #closing: Promise<void> | null = null;

  constructor(config: LocksConfig) {
    const { driver, storeTimeoutMs = 5_000 } = config;
    this.#engine = new Engine({
      driver,
      clock: config.clock ?? systemClock,
      process: config.process ?? `${hostname()}:${pid}:${randomBytes(3).toString('hex')}`,
      random: config.random ?? Math.random,
      storeTimeoutMs: checkMs('storeTimeoutMs', storeTimeoutMs, 1),
      emit: safely(config.onEvent),
    });
    this.#base = checkTerms(config.defaults ?? {});
    driver.onWake((wake) => {
      if (wake.kind === 'granted') {
        this.#engine.wakeable.get(wake.owner)?.wake();
      } else if (wake.kind === 'changed') {
        this.#watching.get(wake.name)?.forEach(look);
      } else {
        for (const waiting of this.#engine.wakeable.values()) waiting.wake();
        for (const group of this.#watching.values()) group.forEach(look);
      }
    });
  }

  /** Makes the driver ready. Not needed: the first lock does it. Safe to repeat. */
  open(): Promise<void> {
    return this.#engine.open();
  }

  /** Waits for a lock, `waitMs` at most. Several names are taken all or none. */
  acquire(name: string, options?: LockOptions): Promise<HeldLock>;
  acquire(names: readonly string[], options?: LockOptions): Promise<HeldLocks>;
  acquire(name: string | readonly string[], options?: LockOptions): Promise<HeldLock | HeldLocks>;
  acquire(name: string | readonly string[], options?: LockOptions): Promise<HeldLock | HeldLocks> {
    try {
      const terms = options === undefined ? this.#base : checkTerms(options, this.#base);
      return typeof name === 'string' ? this.#enter(name, terms) : this.#acquireAll(name, terms);
    } catch (error) {
      // A promise is what callers wait for, also for what is refused before anything is sent.
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Takes a lock now, or answers `null` when somebody else has it. Never waits for a holder. */
  tryAcquire(name: string, options?: LockOptions): Promise<HeldLock | null>;
  tryAcquire(names: readonly string[], options?: LockOptions): Promise<HeldLocks | null>;
  async tryAcquire(
    name: string | readonly string[],
    options: LockOptions = {},
  ): Promise<HeldLock | HeldLocks | null> {
    try {
      return await this.acquire(name, { ...options, waitMs: 0 });
    } catch (error) {
      if (error instanceof LockHeldError) return null;
      throw error;
    }
  }

  /** Takes the lock, runs the body under it, and gives it back with the body's error, if any. */
  withLock<T>(name: string, body: (lock: HeldLock) => Promise<T> | T): Promise<T>;
  withLock<T>(
    name: string,
    options: LockOptions,
    body: (lock: HeldLock) => Promise<T> | T,
  ): Promise<T>;
  withLock<T>(names: readonly string[], body: (locks: HeldLocks) => Promise<T> | T): Promise<T>;
  withLock<T>(
    names: readonly string[],
    options: LockOptions,
    body: (locks: HeldLocks) => Promise<T> | T,
  ): Promise<T>;
  async withLock<T>(
    name: string | readonly string[],
    second: LockOptions | ((lock: never) => Promise<T> | T),
    third?: (lock: never) => Promise<T> | T,
  ): Promise<T> {
    const [options, given] = typeof second === 'function' ? [{}, second] : [second, third];
    if (typeof given !== 'function') throw new LockOptionsError('body', given, 'a function');
    // The overloads tie the form of the name to that of the body's argument.
    const body = given as (lock: HeldLock | HeldLocks) => Promise<T> | T;
    const outer = options.reentrant === true ? this.#joined(name) : null;
    if (outer !== null) return body(outer);
    return this.run(await this.acquire(name, options), body);
  }

  /** Runs a body under a lock in hand, then gives it back with the body's error, if any. */
  async run<L extends HeldLock | HeldLocks, T>(
    lock: L,
    body: (lock: L) => Promise<T> | T,
  ): Promise<T> {
    let result: T;
    try {
      const locks: readonly HeldLock[] = lock instanceof HeldLocks ? lock.locks : [lock];
      result = await this.#chain.run(locks, body, lock);
    } catch (error) {
      // The next holder must see a failure even where the body threw nothing in particular.
      await lock.end(error ?? new Error(String(error)));
      throw error;
    }
    // What the body did counts only if it was alone to the end.
    const loss = lock.lossNow();
    const outcome = await lock.end();
    if (loss !== null) throw loss;
    if (outcome === 'gone') throw lock.goneAtEnd();
    return result;
  }

  /** The lock of that name that this very call chain holds, through `withLock`; else `null`. */
  current(name: string): HeldLock | null {
    return this.#chain.find(name);
  }

  /** What is true of a lock now. No side effect. */
  async inspect(name: string): Promise<LockState> {
    checkName(name);
    return this.#engine.ask(name, 'inspected', (driver) => driver.inspect(name));
  }

  /** The locks that are held or waited for, by name: the first `limit`, by default 100. */
  async list(query: { prefix?: string; limit?: number } = {}): Promise<readonly LockState[]> {
    const { prefix = '', limit = 100 } = query;
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
      throw new LockOptionsError('limit', limit, 'a whole number from 1 to 10000');
    }
    return this.#engine.ask('', 'listed', (driver) => driver.list({ prefix, limit }));
  }

  /** Ends a hold, whoever has it. Its holder learns of it at its next renewal. */
  async forceRelease(name: string): Promise<boolean> {
    checkName(name);
    return this.#engine.ask(name, 'forced free', (driver) => driver.forceRelease(name));
  }

  /**
   * Tells the listener what is true of a lock, now and after every change, until the answer is
   * called. Changes in quick succession may be told as one; the last one is always told.
   */
  watch(name: string, listener: (state: LockState) => void): () => void {
    checkName(name);
    const watching = new Watching(this.#engine, name, listener);
    const group = this.#watching.get(name) ?? new Set();
    this.#watching.set(name, group.add(watching));
    watching.look();
    return () => {
      watching.end();
      group.delete(watching);
      if (group.size === 0) this.#watching.delete(name);
    };
  }

  /** From now on no lock is to be had here, and whoever waits is sent away. */
  refuse(): void {
    this.#refusing = true;
    for (const line of [...this.#lines.values()]) line.shutDown();
  }

  /**
   * Waits until nothing is held here any more, `graceMs` at most. Then the signals of those who
   * still hold abort, and their leases are left to run out: none is given back under a body that
   * still runs.
   */
  async drain(graceMs: number): Promise<void> {
    this.refuse();
    if (await this.#idleWithin(graceMs)) return;
    for (const line of [...this.#lines.values()]) line.abandonTurn();
    await this.#idleWithin(Math.min(1_000, this.#engine.storeTimeoutMs));
  }

  /** Ends all watching and closes what the driver opened. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.drain(0);
    for (const group of this.#watching.values()) {
      for (const watching of group) watching.end();
    }
    this.#watching.clear();
    this.#chain.end();
    await this.#engine.close();
  }

  #enter(name: string, terms: Terms): Promise<HeldLock> {
    checkName(name);
    if (this.#refusing) throw new LockShutdownError(name);
    const holder = this.current(name);
    if (holder !== null) throw new LockReentryError(name, holder.owner);
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = new LocalLine(this.#engine, name, this.#onIdle);
      this.#lines.set(name, line);
    }
    return line.enter(terms);
  }

  /** Sorted, so that two callers who want the same names cannot wait for each other. */
  async #acquireAll(names: readonly string[], terms: Terms): Promise<HeldLocks> {
    const sorted = [...new Set(names.map(checkName))].sort();
    const { clock } = this.#engine;
    const startedAt = clock.now();
    const locks: HeldLock[] = [];
    try {
      for (const name of sorted) {
        const left = Math.ceil(terms.waitMs - (clock.now() - startedAt));
        const waitMs = terms.waitMs === 0 ? 0 : Math.max(1, left);
        locks.push(await this.#enter(name, { ...terms, waitMs }));
      }
      const [first, ...others] = locks;
      if (first === undefined) throw new LockOptionsError('names', names, 'at least one name');
      const held = new HeldLocks(first, ...others);
      // The first may have been lost while we waited for the last.
      held.assertHeld();
      return held;
    } catch (error) {
      await Promise.all(locks.map((lock) => lock.release()));
      if (!(error instanceof LockWaitTimeoutError)) throw error;
      throw new LockWaitTimeoutError(error.lockName, clock.now() - startedAt, error);
    }
  }

  /** The outer hold that a reentrant call joins; all of the names, or none. */
  #joined(name: string | readonly string[]): HeldLock | HeldLocks | null {
    const names = typeof name === 'string' ? [name] : [...new Set(name)].sort();
    const locks = names.map((one) => this.current(one)).filter((lock) => lock !== null);
    const [first] = locks;
    if (first === undefined || locks.length < names.length) return null;
    return typeof name === 'string' ? first : new HeldLocks(first, ...locks.slice(1));
  }

  readonly #onIdle = (line: LocalLine): void => {
    if (this.#lines.get(line.name) === line) this.#lines.delete(line.name);
  };

  /** Whether, within so many milliseconds, nothing is held and nothing is on its way any more. */
  #idleWithin(ms: number): Promise<boolean> {
    const { alarms, clock } = this.#engine;
    const until = clock.now() + ms;
    return new Promise((resolve) => {
      const alarm = new Reminder((now) => {
        const idle = this.#lines.size === 0 && this.#engine.insisting === 0;
        if (idle || now >= until) resolve(idle);
        else alarms.set(alarm, now + GRID_MS);
      });
      alarm.ring(clock.now());
    });
  }
}

function look(watching: Watching): void {
  watching.look();
}
