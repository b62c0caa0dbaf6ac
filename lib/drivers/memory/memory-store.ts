/**
 * The "database" of the memory driver: names, the store's clock, and who listens. Several drivers
 * on one store are to each other what several processes on one Redis are. A step is atomic because
 * it is synchronous.
 */
import { systemClock, type Clock } from '../../core/clock.js';
import type { LockState } from '../../core/lease.js';
import { LINE_TIMES, type ListQuery, type Wake, type WatchAnswer } from '../../core/lock-driver.js';
import {
  settle,
  unknownName,
  view,
  type Moment,
  type NameState,
  type Step,
} from '../../core/lock-steps.js';

/** What a `MemoryStore` takes; the defaults are right outside of tests. */
export interface MemoryStoreOptions {
  /** The store's clock; a fake one makes leases run out on command. Default: the real one. */
  readonly clock?: Clock;
  /** How long a free name keeps its last ending. Default: one day. */
  readonly keepEndingsMs?: number;
  /**
   * What date it is when the store is made, in ms since 1970; tokens start there. Default: today.
   */
  readonly startedAtMs?: number;
}

const ONE_DAY_MS = 86_400_000;
/**
 * Names looked at for forgetting in each step: more than a step can add, so that memory is bounded.
 */
const SWEPT_PER_STEP = 2;
/** A watcher is remembered a little longer than it was told to come back. */
const WATCH_GRACE_MS = 1_000;

/**
 * Names and their leases in this process's memory; drivers on one store see the same locks.
 *
 * @example
 * const store = new MemoryStore();
 * const one = memoryLocks({ store });
 * const other = memoryLocks({ store }); // behaves like another process
 */
export class MemoryStore {
  readonly #clock: Clock;
  readonly #keepEndingsMs: number;
  /** What the token clock is ahead of the store's clock, in microseconds. */
  #tokenBase: number;
  /** The highest token of the names that were forgotten. */
  #tokenFloor = 0;
  /** In order of use, so that the sweep meets the longest unused first. */
  readonly #names = new Map<string, NameState>();
  readonly #listeners = new Map<string, (wake: Wake) => void>();
  /** Name → process → until when it watches. */
  readonly #watchers = new Map<string, Map<string, number>>();

  constructor(options: MemoryStoreOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#keepEndingsMs = options.keepEndingsMs ?? ONE_DAY_MS;
    this.#tokenBase = ((options.startedAtMs ?? Date.now()) - this.#clock.now()) * 1_000;
  }

  /** The store's clock, in milliseconds. */
  now(): number {
    return this.#clock.now();
  }

  /** How many names are remembered: in use, or free with their last ending. */
  get size(): number {
    return this.#names.size;
  }

  /** Applies one step of `lock-steps.ts` to a name, and tells who has to know. */
  apply<Answer>(name: string, step: (before: NameState, moment: Moment) => Step<Answer>): Answer {
    const now = this.now();
    const known = this.#names.get(name);
    const before = known ?? unknownName(this.#tokenFloor);
    const [after, answer] = step(before, {
      now,
      tokenTime: Math.floor(this.#tokenBase + now * 1_000),
      listens: (owner) => this.#listeners.has(processOf(owner)),
    });
    if (after !== before || known !== undefined) {
      this.#names.delete(name);
      this.#names.set(name, after);
    }
    this.#tell(name, before, after, now);
    this.#sweep(now);
    return answer;
  }

  inspect(name: string): LockState {
    return view(name, this.#names.get(name) ?? unknownName(0), this.now());
  }

  list({ prefix, limit }: ListQuery): readonly LockState[] {
    return [...this.#names.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => this.inspect(name))
      .filter((state) => state.phase !== 'free' || state.waiting > 0)
      .sort((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)))
      .slice(0, limit);
  }

  watch(name: string, process: string): WatchAnswer {
    const state = this.inspect(name);
    // What time does by itself is told to nobody: come back when it has.
    const runsOut = state.phase === 'free' ? Infinity : state.remainingMs;
    const retryInMs = Math.max(1, Math.min(LINE_TIMES.refreshMs, runsOut));
    const watchers = this.#watchers.get(name) ?? new Map<string, number>();
    watchers.set(process, this.now() + retryInMs + WATCH_GRACE_MS);
    // Moved to the end, so that the sweep meets the longest unrefreshed first.
    this.#watchers.delete(name);
    this.#watchers.set(name, watchers);
    return { state, retryInMs };
  }

  /** From now on this process is told; until the returned function is called. */
  listen(process: string, hear: (wake: Wake) => void): () => void {
    this.#listeners.set(process, hear);
    return () => {
      if (this.#listeners.get(process) === hear) this.#listeners.delete(process);
    };
  }

  /**
   * For tests: what a restart of a real store does. Watches are forgotten and everybody hears that
   * pushes may have been missed; `empty`: nothing had been written down, all names are forgotten.
   */
  restart({ empty }: { readonly empty: boolean }): void {
    // No restart takes less than this; without it a standing fake clock could grant a token twice.
    this.#tokenBase += 100_000;
    this.#watchers.clear();
    if (empty) {
      this.#names.clear();
      this.#tokenFloor = 0;
    }
    for (const process of this.#listeners.keys()) this.#send(process, { kind: 'missed' });
  }

  #tell(name: string, before: NameState, after: NameState, now: number): void {
    const claim = after.hold?.phase === 'claimed' ? after.hold : null;
    if (claim !== null && claim !== before.hold) {
      this.#send(processOf(claim.owner), { kind: 'granted', owner: claim.owner });
    }
    const watchers = this.#watchers.get(name);
    if (watchers === undefined || !looksDifferent(before, after)) return;
    for (const [process, until] of watchers) {
      if (until > now) this.#send(process, { kind: 'changed', name });
      else watchers.delete(process);
    }
    if (watchers.size === 0) this.#watchers.delete(name);
  }

  /** Asynchronous, like every push: never inside the step that caused it. */
  #send(process: string, wake: Wake): void {
    queueMicrotask(() => this.#listeners.get(process)?.(wake));
  }

  /** Forgets some of the names that have been free for long; their tokens stay in the floor. */
  #sweep(now: number): void {
    let left = SWEPT_PER_STEP;
    for (const [name, state] of this.#names) {
      if (left-- === 0) break;
      this.#names.delete(name);
      if (this.#isForgettable(settle(state, now), now)) {
        this.#tokenFloor = Math.max(this.#tokenFloor, state.highestToken);
      } else {
        this.#names.set(name, state);
      }
    }
    const [watched] = this.#watchers;
    if (watched !== undefined && [...watched[1].values()].every((until) => until <= now)) {
      this.#watchers.delete(watched[0]);
    }
  }

  #isForgettable({ hold, line, latestToken, usedAt }: NameState, now: number): boolean {
    if (hold !== null || line.length > 0) return false;
    return latestToken === null || now - usedAt >= this.#keepEndingsMs;
  }
}

/** Every owner is `${process}:n`. */
function processOf(owner: string): string {
  return owner.slice(0, owner.lastIndexOf(':'));
}

function looksDifferent(before: NameState, after: NameState): boolean {
  return (
    before.hold?.phase !== after.hold?.phase ||
    before.hold?.owner !== after.hold?.owner ||
    before.hold?.note !== after.hold?.note ||
    before.latestToken !== after.latestToken ||
    before.line.length !== after.line.length
  );
}
