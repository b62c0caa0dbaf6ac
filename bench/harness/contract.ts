/**
 * What the parts of the bench know of each other: a contender (one library, at one setting, on one
 * store), the lock it makes, a scenario, and what a scenario brings home from one process.
 */
import type { Failures } from './failures.js';

export type StoreKind = 'redis' | 'postgres' | 'mariadb' | 'sqlite' | 'memory';

/** A lock as the scenarios use it, whatever library is behind it. */
export interface BenchLock {
  /** Waits for the name, runs the body under it, gives it back: the library's own way to do so. */
  withLock(name: string, body: () => Promise<void>): Promise<void>;
  /** Takes a name that nobody else wants, and gives it back at once. */
  pair(name: string): Promise<void>;
  /** Takes a name and keeps it, renewing where the library can; answers how to give it back. */
  hold(name: string): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/**
 * - `ours`: this library. `bare`: the least that does the job, without a library; a limit, not a
 *   rival.
 * - `peer`: another library.
 */
export type ContenderKind = 'ours' | 'bare' | 'peer';

export interface Contender {
  /** For `--peer` and the JSON file. */
  readonly id: string;
  readonly title: string;
  readonly kind: ContenderKind;
  readonly store: StoreKind;
  /**
   * `default`: as installed. `best`: the fastest that its documents allow. `-`: has no settings.
   */
  readonly settings: 'default' | 'best' | '-';
  /** npm packages whose versions belong in the results; they must be installed to run it. */
  readonly packages: readonly string[];
  /**
   * On Redis, the commands that it sends by itself; all others in the server's counters were called
   * by its scripts. Absent: `EVAL` and `EVALSHA`.
   */
  readonly sends?: readonly string[];
  /** Scenarios that it cannot run, with the reason in plain words. */
  readonly cannot?: Readonly<Record<string, string>>;
  make(options: MakeOptions): Promise<BenchLock>;
}

export interface MakeOptions {
  /** Where the store is: a URL, or a file for SQLite. */
  readonly url: string;
  /** This process, readable: `bench-3`. */
  readonly process: string;
  /** The lease length that the scenario asks for; absent: the library's own. */
  readonly ttlMs?: number;
}

export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** What a reader must know to read its table; goes above it. */
  readonly explains: string;
  readonly stores: readonly StoreKind[];
  readonly variants: readonly Variant[];
  readonly columns: readonly Column[];
  /** The column that the others are compared by. */
  readonly key: string;
  /** Contenders that make no sense here are left out; absent: all of the store take part. */
  accepts?(contender: Contender): boolean;
  /** In each process, before the clock starts: what must not be measured. */
  prepare?(context: WorkContext): Promise<void>;
  /** In each process, all at once. */
  work(context: WorkContext): Promise<Sample>;
  /** In the parent, afterwards: the figures of one run. Absent keys show as a dash. */
  figures(run: Run): Readonly<Record<string, number>>;
}

export interface Variant {
  readonly id: string;
  readonly title: string;
  /** On these stores only; absent: on all of the scenario. */
  readonly stores?: readonly StoreKind[];
  readonly processes: number;
  readonly params: Readonly<Record<string, number>>;
  /** The same, small enough for the smoke test. */
  readonly smoke: Readonly<Record<string, number>>;
  /** A worker that takes longer than this is ended and the run marked. */
  readonly limitMs: number;
  /** Runs in the smoke test although it is not the first of its scenario. */
  readonly smokeAlso?: boolean;
  /** How many processes are enough for the smoke test. */
  readonly smokeProcesses?: number;
}

export interface Column {
  readonly key: string;
  readonly title: string;
  readonly digits: number;
  /** `more` or `less` is better; decides what "best peer" means. */
  readonly better: 'more' | 'less';
}

/** What a scenario's code finds in its process. */
export interface WorkContext {
  readonly lock: BenchLock;
  /** Goes in front of every name, so that no run meets what another left behind. */
  readonly prefix: string;
  readonly params: Readonly<Record<string, number>>;
  readonly index: number;
  readonly processes: number;
  /** One counter for all processes of the run, that only the lock protects. */
  readonly witness: Witness;
  /** Where every error goes that a caller got; a run with any is marked. */
  readonly failures: Failures;
  /** Something to hand from `prepare` to `work`, and to give back at the end. */
  readonly kept: (() => Promise<void>)[];
  /** Another lock, as a second process would have it. */
  readonly make: () => Promise<BenchLock>;
}

/** An unsynchronised counter: read, wait, write. Two at once lose an update. */
export interface Witness {
  read(): number;
  write(value: number): void;
}

/** What one process brings home. */
export interface Sample {
  readonly turns: number;
  readonly elapsedMs: number;
  /** Start and end of each body, on the clock that all processes share; only where they meet. */
  readonly spans?: readonly (readonly [number, number])[];
  /** How many updates of the witness the process believes to have made. */
  readonly updates?: number;
  readonly extra?: Readonly<Record<string, number>>;
}

/** A sample with what the process used meanwhile. */
export interface Measured extends Sample {
  /** How often each error was seen, by its message. */
  readonly failures: Readonly<Record<string, number>>;
  readonly cpuMs: number;
  readonly rssMiB: number;
  readonly rssGrowthMiB: number;
  readonly loopMaxMs: number;
  readonly loopP99Ms: number;
}

/** One run of one contender, all processes together. */
export interface Run {
  readonly samples: readonly Measured[];
  readonly params: Readonly<Record<string, number>>;
  readonly turns: number;
  readonly elapsedMs: number;
  /** What the clients sent, by the store's own count; `null` where it cannot be known. */
  readonly commands: number | null;
  readonly storeCpuMs: number | null;
}
