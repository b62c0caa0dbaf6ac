/**
 * The stage on which rules act: some processes on one store, names that nobody used before, and the
 * store's time. One world serves all rules of a run, also those that run side by side.
 */
import { randomBytes } from 'node:crypto';
import { Locks } from '../core/locks.js';
import type { LockDriver } from '../core/lock-driver.js';
import { Caller, Process } from './caller.js';
import type { ConformanceHarness } from './harness.js';
import { pause } from './waiting.js';

/** What a real wait is longer than asked for: the grain of clocks and timers. */
const GRAIN_MS = 30;
/** Rules that repeat something stop after this, so that a slow store has its verdict in time. */
const ROUNDS_MS = 4_000;
const FEWEST_ROUNDS = 3;

/** One store and the processes that use it, for all rules of one run. */
export class World {
  readonly #processes: Process[] = [];
  readonly #fresh: Process[] = [];
  readonly #engines: Locks[] = [];
  readonly #run = randomBytes(4).toString('hex');
  #shared: Promise<[Locks, Locks, Locks]> | null = null;
  #names = 0;
  #addresses = 0;

  constructor(readonly harness: ConformanceHarness) {}

  /** Opens the three processes that most rules play with. */
  async open(): Promise<void> {
    await this.harness.start?.();
    await this.processes(3);
  }

  async close(): Promise<void> {
    for (const locks of this.#engines) await locks.close();
    for (const process of [...this.#processes, ...this.#fresh]) await process.driver.close();
    await this.harness.stop?.();
  }

  /** The first `count` processes of this world. */
  async processes(count: number): Promise<readonly Process[]> {
    while (this.#processes.length < count) this.#processes.push(await this.#newProcess());
    return this.#processes.slice(0, count);
  }

  /** A process for this rule alone, which may cut or close it. */
  async freshProcess(driver?: LockDriver): Promise<Process> {
    const process = await this.#newProcess(driver);
    this.#fresh.push(process);
    return process;
  }

  /** Three instances of an application: the core over drivers of their own. */
  async locks(): Promise<[Locks, Locks, Locks]> {
    this.#shared ??= Promise.all([this.freshLocks(), this.freshLocks(), this.freshLocks()]);
    return this.#shared;
  }

  /** An instance for this rule alone, which may close it, or its driver under it. */
  async freshLocks(driver?: LockDriver): Promise<Locks> {
    const chosen = driver ?? (await this.harness.newDriver());
    const locks = new Locks({ driver: chosen, process: this.#newAddress() });
    this.#engines.push(locks);
    await locks.open();
    return locks;
  }

  /** A name that nobody used before. */
  name(label = ''): string {
    this.#names += 1;
    return `kit:${this.#run}:${this.#names}:${label}`;
  }

  /** Three callers who want this name, each in a process of its own. */
  callers(name: string): [Caller, Caller, Caller] {
    return [this.caller(name, 0), this.caller(name, 1), this.caller(name, 2)];
  }

  /** Many callers who want this name, spread over the processes that are open. */
  crowd(name: string, size: number): readonly Caller[] {
    return Array.from({ length: size }, (_, n) => this.caller(name, n));
  }

  caller(name: string, process = 0): Caller {
    const chosen = this.#processes[process % this.#processes.length];
    if (chosen === undefined) throw new Error('The world is not open yet.');
    return new Caller(chosen, name);
  }

  /** Makes `ms` pass for this name by the store's clock, or waits as long. */
  async elapse(name: string, ms: number): Promise<void> {
    if (this.harness.elapse === undefined) await pause(ms + GRAIN_MS);
    else await this.harness.elapse(name, ms);
  }

  /** Whether time passes on command, so that a rule may take minutes of it. */
  get timeIsCheap(): boolean {
    return this.harness.elapse !== undefined;
  }

  /** So many rounds at most, fewer where they take long; a few always. */
  *rounds(count: number): Generator<number> {
    const rounds = this.size(count);
    const until = performance.now() + ROUNDS_MS;
    for (let round = 0; round < rounds; round += 1) {
      if (round >= FEWEST_ROUNDS && performance.now() > until) return;
      yield round;
    }
  }

  /** So many on a fast store, fewer on one that calls itself slow. */
  size(count: number): number {
    return Math.max(1, Math.round(count * (this.harness.scale ?? 1)));
  }

  /** So many where hand-overs are pushed; without, one takes some tens of milliseconds. */
  handOvers(count: number): number {
    return this.harness.push ? count : Math.ceil(count / 10);
  }

  async #newProcess(given?: LockDriver): Promise<Process> {
    const driver = given ?? (await this.harness.newDriver());
    const process = new Process(driver, this.#newAddress());
    await driver.open(process.address);
    return process;
  }

  #newAddress(): string {
    this.#addresses += 1;
    return `kit-host:${this.#run}:${this.#addresses}`;
  }
}
