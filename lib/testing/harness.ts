/**
 * What the conformance kit has to know of a driver and its store, and what it says back: the rules,
 * as data. Write a harness, hand it to `describeLockDriver`, and every rule is a test of your
 * driver.
 */
import type { LockDriver } from '../core/lock-driver.js';
import type { World } from './world.js';

/** What the kit needs of a driver and its store. */
export interface ConformanceHarness {
  /**
   * A driver on the same store, not yet open. Every call stands for another process: no connection
   * and no memory may be shared with the drivers made before.
   */
  newDriver(): LockDriver | Promise<LockDriver>;

  /** Whether the store tells waiters by `onWake`. */
  readonly push: boolean;

  /** Starts the server, makes the database: runs before the first rule. */
  start?(): Promise<void>;
  /** Runs after the last rule, when all drivers are closed. */
  stop?(): Promise<void>;

  /**
   * Scales the rules that repeat something, up to ten thousand times. 1, the default, is meant for
   * a store that answers in a millisecond; 0.1 does a tenth. Whatever it is, a rule that repeats
   * stops after four seconds. Say so in your own documents.
   */
  readonly scale?: number;

  /** Where the random walks start; a failed walk says which seed to put here. Default: random. */
  readonly seed?: number;

  /**
   * Makes `ms` pass for this name by the store's clock: for its lease, its rest and its tickets.
   * Without it the kit really waits, with all rules that wait side by side.
   */
  elapse?(name: string, ms: number): Promise<void>;

  /** A driver whose names are kept apart from those of every other namespace. */
  newDriverIn?(namespace: string): LockDriver | Promise<LockDriver>;

  /** The store loses all that it knew of this name (or of all names), as an emptied store would. */
  forget?(name: string): Promise<void>;

  /** How many commands, or statements, the store has carried out so far, for all drivers. */
  commands?(): Promise<number>;

  /** Cuts the connection of this driver, which was made by `newDriver`, until `restore`. */
  cut?(driver: LockDriver): Promise<void>;
  restore?(driver: LockDriver): Promise<void>;

  /** Restarts the store, with or without its memory; resolves when it answers again. */
  restart?(): Promise<void>;
}

/** What a rule needs of the harness beyond `newDriver`. */
export type Capability = 'push' | 'newDriverIn' | 'forget' | 'commands' | 'cut' | 'restart';

/** One rule: its title in the present tense, and the code that fails if the driver breaks it. */
export interface Rule {
  readonly group: RuleGroup;
  readonly title: string;
  /** The rule only makes sense for harnesses that can do this. */
  readonly needs: readonly Capability[];
  /** Waits for the store's clock: where time cannot be made to pass, these run side by side. */
  readonly patient: boolean;
  run(world: World): Promise<void>;
}

/** The chapters that the rules come in. */
export type RuleGroup =
  | 'Contract'
  | 'Names'
  | 'Leases'
  | 'Tokens'
  | 'Endings'
  | 'The line'
  | 'Leaving the line'
  | 'Seen from outside'
  | 'Contention'
  | 'The reference'
  | 'Faults'
  | 'The core';

/** Whether this harness can do all that the rule needs. */
export function applies(rule: Rule, harness: ConformanceHarness): boolean {
  return rule.needs.every((capability) => Boolean(harness[capability]));
}
