/**
 * What the parts of the core share: the driver and whether it is open, the clock and the alarms,
 * names for owners, and the steps that must be insisted on in the background.
 */
import type { Alarm } from './alarms.js';
import { Alarms } from './alarms.js';
import type { Clock } from './clock.js';
import type { LockDriver } from './lock-driver.js';
import { LockStoreError } from './lock-errors.js';
import type { LockObserver } from './lock-events.js';
import { LeaseRenewer } from './lease-renewer.js';

const FIRST_BACK_OFF_MS = 50;
const LONGEST_BACK_OFF_MS = 1_000;

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
  /** Steps under way that nobody may wait for, but a shutdown should. */
  readonly pending = new Set<object>();
  readonly #random: () => number;
  #owners = 0;
  #opening: Promise<void> | null = null;
  #open = false;

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

  /** Opens the driver, once; after a failure the next call tries again. */
  open(): Promise<void> {
    this.#opening ??= this.driver.open(this.process).then(
      () => {
        this.#open = true;
      },
      (error: unknown) => {
        this.#opening = null;
        throw this.troubled('', 'opened', error);
      },
    );
    return this.#opening;
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
  async ask<T>(name: string, action: string, step: (driver: LockDriver) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const alarm: Alarm = {
        slot: -1,
        ring: () => {
          reject(this.troubled(name, action, this.tooLate()));
        },
      };
      this.alarms.set(alarm, this.clock.now() + this.storeTimeoutMs);
      this.call(step).then(
        (answer) => {
          this.alarms.clear(alarm);
          resolve(answer);
        },
        (error: unknown) => {
          this.alarms.clear(alarm);
          reject(this.troubled(name, action, error));
        },
      );
    });
  }

  tooLate(): Error {
    return new Error(`no answer within ${this.storeTimeoutMs} ms`);
  }
}

export interface InsistedStep<T> {
  readonly name: string;
  /** For messages: "could not be …". */
  readonly action: string;
  /** `first`: no try came before this one. */
  send(first: boolean): Promise<T>;
  /** When it stops to matter. */
  readonly until: number;
  /** The longest that the first try may take before `told` hears of nothing. */
  readonly patienceMs: number;
  /** Called once, after the first try: its answer, or `null` if there was none. */
  told(answer: T | null): void;
}

/** Repeats a step until the store has answered, or until it does not matter any more. */
export function insist<T>(engine: Engine, step: InsistedStep<T>): void {
  new Insistence(engine, step).send();
}

class Insistence<T> implements Alarm {
  slot = -1;
  #tries = 0;
  #failures = 0;
  #asking = false;
  #over = false;
  readonly #engine: Engine;
  readonly #step: InsistedStep<T>;

  constructor(engine: Engine, step: InsistedStep<T>) {
    this.#engine = engine;
    this.#step = step;
    engine.pending.add(this);
  }

  send(): void {
    this.#tries += 1;
    this.#asking = true;
    const { alarms, clock, storeTimeoutMs } = this.#engine;
    const patience = this.#tries === 1 ? this.#step.patienceMs : storeTimeoutMs;
    alarms.set(this, clock.now() + patience);
    this.#engine
      .call(() => this.#step.send(this.#tries === 1))
      .then(
        (answer) => {
          this.#end(answer);
        },
        (error: unknown) => {
          if (this.#asking && !this.#over) this.#failed(error);
        },
      );
  }

  ring(): void {
    if (this.#asking) this.#failed(this.#engine.tooLate());
    else this.send();
  }

  #failed(error: unknown): void {
    this.#asking = false;
    this.#failures += 1;
    this.#engine.troubled(this.#step.name, this.#step.action, error);
    if (this.#tries === 1) this.#step.told(null);
    const { alarms, clock } = this.#engine;
    const again = clock.now() + this.#engine.backOff(this.#failures);
    if (again < this.#step.until) alarms.set(this, again);
    else this.#end(null);
  }

  #end(answer: T | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#engine.alarms.clear(this);
    this.#engine.pending.delete(this);
    // After a failure the caller has been told already that nothing is known.
    if (this.#failures === 0) this.#step.told(answer);
  }
}
