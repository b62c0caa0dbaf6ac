/**
 * What the parts of the core share: the driver and whether it is open, the clock and the alarms,
 * names for owners, and how a failure of the store is told and answered.
 */
import { Alarms, Reminder } from './alarms.js';
import type { Clock } from './clock.js';
import type { LockDriver } from './lock-driver.js';
import { LockStoreError } from './lock-errors.js';
import type { LockObserver } from './lock-events.js';
import { LeaseRenewer } from './lease-renewer.js';

const FIRST_BACK_OFF_MS = 50;
const LONGEST_BACK_OFF_MS = 1_000;

/** Tables have to be made, perhaps, and twenty others are at it: a few times as long as a step. */
const OPENING_TAKES = 3;

export interface EngineConfig {
  readonly driver: LockDriver;
  readonly clock: Clock;
  /** `host:pid:instance`. */
  readonly process: string;
  /** 0 ≤ x < 1; for jitter alone. */
  readonly random: () => number;
  /** How long one call to the store may take before it counts as failed. */
  readonly storeTimeoutMs: number;
  readonly emit: LockObserver | null;
}

export class Engine {
  readonly driver: LockDriver;
  readonly clock: Clock;
  readonly process: string;
  readonly storeTimeoutMs: number;
  readonly emit: LockObserver | null;
  readonly renewer: LeaseRenewer;
  /** Alarms of those who wait; they keep the process alive. */
  readonly alarms: Alarms;
  /** Whom to wake when a push for an owner comes. */
  readonly wakeable = new Map<string, { wake(): void }>();
  /** How many steps are insisted on now: nobody may wait for them, but a shutdown should. */
  insisting = 0;
  readonly #random: () => number;
  #owners = 0;
  #opening: Promise<void> | null = null;
  #open = false;
  #closed = false;

  constructor(config: EngineConfig) {
    this.driver = config.driver;
    this.clock = config.clock;
    this.process = config.process;
    this.#random = config.random;
    this.storeTimeoutMs = config.storeTimeoutMs;
    this.emit = config.emit;
    this.alarms = new Alarms(config.clock, { early: false, background: false });
    this.renewer = new LeaseRenewer(config.driver, config.clock, (name, error) => {
      this.emit?.({ type: 'store-error', name, error });
    });
  }

  nextOwner(): string {
    this.#owners += 1;
    return `${this.process}:${this.#owners}`;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Whether nothing is to be repeated any more. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Opens the driver, once; after a failure, or without an answer, the next call tries again. */
  open(): Promise<void> {
    this.#opening ??= this.#within(OPENING_TAKES * this.storeTimeoutMs, () =>
      this.driver.open(this.process).then(() => {
        this.#open = true;
      }),
    ).catch((error: unknown) => {
      this.#opening = null;
      throw this.troubled('', 'opened', error);
    });
    return this.#opening;
  }

  /** Closes the driver. What is still under way does not keep the process alive from now on. */
  async close(): Promise<void> {
    this.#closed = true;
    this.alarms.letGo();
    await this.driver.close();
  }

  /** One call to the driver, after it was opened. */
  call<T>(step: (driver: LockDriver) => Promise<T>): Promise<T> {
    return this.#open ? step(this.driver) : this.open().then(() => step(this.driver));
  }

  /** Any failure of a driver as the one error that it may throw; told to the observer. */
  troubled(name: string, action: string, cause: unknown): LockStoreError {
    const error = cause instanceof LockStoreError ? cause : new LockStoreError(name, action, cause);
    this.emit?.({ type: 'store-error', name, error });
    return error;
  }

  /** How long to stand back after so many failures in a row: doubling, and no two alike. */
  backOff(failures: number): number {
    const ms = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** Math.min(failures - 1, 10));
    return ms * (0.5 + 0.5 * this.#random());
  }

  /** A call made for one caller: answered within `storeTimeoutMs`, or a `LockStoreError`. */
  ask<T>(name: string, action: string, step: (driver: LockDriver) => Promise<T>): Promise<T> {
    return this.#within(this.storeTimeoutMs, () => this.call(step)).catch((error: unknown) => {
      throw this.troubled(name, action, error);
    });
  }

  tooLate(): Error {
    return noAnswer(this.storeTimeoutMs);
  }

  #within<T>(ms: number, step: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const alarm = new Reminder(() => {
        reject(noAnswer(ms));
      });
      this.alarms.set(alarm, this.clock.now() + ms);
      const clear = (): void => {
        this.alarms.clear(alarm);
      };
      step().then(resolve, reject).finally(clear);
    });
  }
}

/** Why a store error was assumed when the store said nothing. */
export function noAnswer(withinMs: number): Error {
  return new Error(`no answer within ${Math.round(withinMs)} ms`);
}
