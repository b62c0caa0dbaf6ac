/**
 * The contract between the core and a store. A driver is a small machine, the same for every store:
 * **one lease and one line per name**. Types only; `docs/writing-a-driver.md` tells the story.
 *
 * Rules for every method:
 * - It is one atomic step in the store, judged by the store's clock alone. No read-then-write.
 * - It throws `LockStoreError` and nothing else: the store did not answer, or answered nonsense.
 *   The outcome is then *unknown*; the core asks again under the same owner, so every method must
 *   bear being repeated.
 * - It never waits for another holder. The waiting is the core's.
 * - Values arrive checked: names are 1 to 255 bytes of UTF-8, durations are whole milliseconds.
 *   Names, owners and notes are compared byte by byte; nothing in them is special.
 */
import type { EndingError, Ending, LockState } from './lease.js';

/** Code that speaks to one kind of store: the whole of what the core asks of it. */
export interface LockDriver {
  /** For messages, in plain words: `Redis`, `PostgreSQL`. */
  readonly storeName: string;

  /**
   * Makes the driver ready: tables, scripts, subscriptions. Called before the first step, and again
   * if it failed. Safe from twenty processes at once; a second call after success does nothing.
   *
   * @param process This process, unique: every owner that it will ever use is `${process}:n`. A
   *   driver with push uses it as its address.
   */
  open(process: string): Promise<void>;

  /**
   * Asks for the lease of a name. Idempotent by owner: asked again, it answers what is true now.
   *
   * - Asked by the live holder: granted again, with the same tokens and `previous`. The lease now
   *   ends `ttlMs` from this step (never later than `atMostMs` after the grant), with this
   *   request's note.
   * - Asked by the live claimant (see `release`): granted as if it were free. The hold starts now,
   *   with the full ttl.
   * - Free, run out, or at the end of its rest, and nobody alive ahead in the line: granted, with
   *   a fresh block of tokens and the ending of the hold before. A run-out lease ended as
   *   `expired`. A run-out claim never was a hold: the ending that was waiting for it is handed on.
   * - Otherwise refused. With `line: 'join'` the owner now stands in the line (at its end if it did
   *   not before) and its ticket lives another `LINE_TIMES.ticketMs`; a driver may spare a ticket
   *   that was refreshed less than `refreshMs` ago. With `line: 'none'` nothing is left behind.
   *
   * Two at once: exactly one is granted.
   */
  acquire(request: AcquireRequest): Promise<AcquireAnswer>;

  /**
   * Prolongs leases, as many as there are, in as few commands as the store allows. Answers in the
   * order of the request: `true` when it is still this owner's and had not run out, in which case
   * it now ends `ttlMs` from this step (never later than `atMostMs` after the grant); `false` when
   * it is not. A lease that ran out is never brought back, even if nobody else took it.
   */
  renew(requests: readonly RenewRequest[]): Promise<readonly boolean[]>;

  /**
   * Gives the lease back and says how the hold ended. Only a live lease of that very owner is given
   * back; otherwise nothing changes and `released` is `false`.
   *
   * If `atLeastMs` since the grant are not over, the name rests until they are. Otherwise the lease
   * goes, in the same step, to the first live ticket of the line, whose ticket is used up: a claim,
   * for `LINE_TIMES.claimMs`, which raises no token yet. Where the store has push, the claimant's
   * process is told (`onWake`), if it still listens; one known not to listen is skipped.
   *
   * With `rejoin`, the same step then does that `acquire` (whatever became of the release), so that
   * a process with more local callers goes back to the end of the line in one call.
   */
  release(request: ReleaseRequest): Promise<ReleaseAnswer>;

  /**
   * Leaves the line: gives the owner's ticket up. If it holds or claims the lease, hands that on as
   * `release` would, but as if this grant had never been: the ending that was meant for it goes to
   * the next one. Nothing there to give up: nothing happens.
   */
  leave(name: string, owner: string): Promise<void>;

  /**
   * What is true of a name now. No side effect. A lease that ran out shows as free and `expired`.
   */
  inspect(name: string): Promise<LockState>;

  /**
   * Every name that is held, claimed, resting or waited for, whose name starts with `prefix`: the
   * first `limit` in the order of their UTF-8 bytes. No side effect. May be slow; not a hot path.
   */
  list(query: ListQuery): Promise<readonly LockState[]>;

  /**
   * Like `inspect`, and says when to look again: after `retryInMs`, or as soon as `onWake` tells of
   * a change of this name. A store with push remembers that this process watches, for a little
   * longer than `retryInMs`; one without answers a short `retryInMs`.
   */
  watch(name: string): Promise<WatchAnswer>;

  /**
   * Ends a hold, claim or rest as `forced`, whoever has it, and hands over as `release` does. The
   * old holder learns of it at its next renewal. Answers whether there was anything to end.
   */
  forceRelease(name: string): Promise<boolean>;

  /** The one listener for pushes. It must not throw. A driver without push never calls it. */
  onWake(listener: (wake: Wake) => void): void;

  /**
   * Closes what the driver opened, and nothing that was lent to it. After it, every call throws.
   */
  close(): Promise<void>;
}

/** What a driver is asked for a lease. */
export interface AcquireRequest {
  readonly name: string;
  readonly owner: string;
  readonly ttlMs: number;
  /** `join`: stand in the line if refused. `none`: now or not at all. */
  readonly line: 'join' | 'none';
  /**
   * How many fencing tokens to reserve, 1 to 1,000, for the turns that callers of one process take
   * under one lease. The next grant of the name starts above them. Counts at the grant alone: asked
   * again, the holder has the block that it was granted.
   */
  readonly tokens: number;
  /** The lease never outlives this many milliseconds after its grant; `null`: no such end. */
  readonly atMostMs: number | null;
  /** JSON text that `inspect` shows while it is held, at most 1,000 characters; `null`: none. */
  readonly note: string | null;
}

/** Whether the lease is ours, and what goes with it. */
export type AcquireAnswer = Granted | Refused;

/** The lease is the owner's, for the ttl that was asked for. */
export interface Granted {
  readonly granted: true;
  /**
   * First token of the block: `max(last of this name + 1, the store's time in microseconds)`, so
   * that it rises even where the last one was lost with the store's memory. A safe integer.
   */
  readonly token: number;
  /** How many tokens the block has: `token` up to `token + tokens - 1`. */
  readonly tokens: number;
  /** How the hold before this one ended; `null` if there was none, or it is forgotten. */
  readonly previous: Ending | null;
}

/** Somebody else has it, or comes first. */
export interface Refused {
  readonly granted: false;
  /** Who holds, claims or rests; `null` when it is free but others are ahead in the line. */
  readonly owner: string | null;
  /** Until that lease, claim or rest runs out by itself; 0 when free. */
  readonly remainingMs: number;
  /** Live tickets ahead of this owner; all live tickets if it does not stand in the line. */
  readonly ahead: number;
  /**
   * When to ask again if nothing is heard. Never longer than `LINE_TIMES.refreshMs`; for the first
   * of the line, not longer than `remainingMs`; for others, when the name is free, not longer than
   * until the first live ticket runs out. A store without push answers shorter times, paced by the
   * place in the line. At least 1.
   */
  readonly retryInMs: number;
}

/** One lease to prolong. */
export interface RenewRequest {
  readonly name: string;
  readonly owner: string;
  readonly ttlMs: number;
  readonly atMostMs: number | null;
  /** JSON text to write on the lock, `null` to wipe it, absent to leave it. */
  readonly note?: string | null;
}

/** One lease to give back, and how its hold ended. */
export interface ReleaseRequest {
  readonly name: string;
  readonly owner: string;
  /** The error that the hold ended with: `failed`. `null`: `released`. */
  readonly error: EndingError | null;
  /** The token that the last turn under this lease had; it goes into the ending. */
  readonly token: number;
  /** Released sooner after the grant than this, the name rests until then; 0: no minimum. */
  readonly atLeastMs: number;
  /** What to ask for in the same step; always the same name, another owner, `line: 'join'`. */
  readonly rejoin: AcquireRequest | null;
}

/** Whether it was ours to give back, and the answer to `rejoin`. */
export interface ReleaseAnswer {
  readonly released: boolean;
  /** The answer to `rejoin`; `null` when there was none. */
  readonly rejoined: AcquireAnswer | null;
}

/** Which names to list. */
export interface ListQuery {
  readonly prefix: string;
  readonly limit: number;
}

/** What is true of a name, and when to look again. */
export interface WatchAnswer {
  readonly state: LockState;
  readonly retryInMs: number;
}

/** What a store with push tells a process. */
export type Wake =
  /** This owner, of this process, was handed the lease: ask again for it, now. */
  | { readonly kind: 'granted'; readonly owner: string }
  /** The state of a watched name has changed. */
  | { readonly kind: 'changed'; readonly name: string }
  /** Pushes may have been missed (a reconnect): ask again for everything. */
  | { readonly kind: 'missed' };

/** The times of the line, the same in every store. */
export const LINE_TIMES = {
  /** A handed-over lease is kept this long for its claimant to confirm. */
  claimMs: 2_000,
  /** A ticket lives this long after it was last asked for: a dead waiter blocks nobody longer. */
  ticketMs: 5_000,
  /** A live waiter asks at least this often. */
  refreshMs: 2_000,
} as const;
