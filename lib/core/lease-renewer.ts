/**
 * Keeps leases alive, all of a process in one loop, and says when one is lost. Renewals fall on a
 * common grid, so that thousands of leases travel in a few commands.
 *
 * The deadline is ours: our clock, stamped before the request left, less a margin for drift. When
 * it comes, the lease is lost for us whatever the store does or does not say. A renewal that hangs
 * cannot delay it: while one is under way, the alarm already stands at the next try or the
 * deadline.
 */
import { Alarm, Alarms, GRID_MS } from './alarms.js';
import type { Clock } from './clock.js';
import type { Lease } from './lease.js';
import type { LockDriver, RenewRequest } from './lock-driver.js';
import type { LossReason } from './lock-errors.js';
import { LockStoreError } from './lock-errors.js';

/** Part of the ttl that we do not rely on, in case our clock runs slower than the store's. */
const DRIFT = 0.1;

/** When a lease granted for `ttlMs` by a request that left at `sentAt` stops being ours. */
export function deadlineOf(sentAt: number, ttlMs: number): number {
  return sentAt + ttlMs * (1 - DRIFT) - 1;
}

/** What is known of the moment of a grant, on our clock. */
export interface GrantTimes {
  /** When the request left that was answered: the ttl counts from then at the earliest. */
  readonly sentAt: number;
  /** When the grant itself was made at the earliest; its answer may have been lost. */
  readonly notBefore: number;
}

export interface KeptTerms {
  readonly renew: boolean;
  readonly atMostMs: number | null;
}

/** A lease in the renewer's care. */
export class KeptLease extends Alarm {
  /** Until when we may believe in it. */
  deadline: number;
  /** When the next renewal is due; `Infinity`: none. */
  renewAt = Infinity;
  /** `false` once it was given back or lost: answers that come later mean nothing. */
  live = true;
  /** A note that the next renewal carries, if one waits to be written. */
  note: string | null | undefined = undefined;
  /** Its holder wrote a note, which must not stay for the next turn under it. */
  isNoted = false;
  /** On our clock, at the earliest. */
  readonly grantedAt: number;
  /** No renewal reaches beyond this. */
  readonly atMostAt: number;
  /** Those who wait for the next renewal to be answered, or for the loss. */
  #waiting: (() => void)[] | null = null;
  readonly #ring: (kept: KeptLease, now: number) => void;

  constructor(
    readonly lease: Lease,
    readonly terms: KeptTerms,
    { sentAt, notBefore }: GrantTimes,
    readonly onLost: (reason: LossReason) => void,
    ring: (kept: KeptLease, now: number) => void,
  ) {
    super();
    this.#ring = ring;
    this.grantedAt = notBefore;
    this.atMostAt = terms.atMostMs === null ? Infinity : deadlineOf(notBefore, terms.atMostMs);
    this.deadline = this.deadlineIfSentAt(sentAt);
  }

  deadlineIfSentAt(sentAt: number): number {
    return Math.min(deadlineOf(sentAt, this.lease.ttlMs), this.atMostAt);
  }

  ring(now: number): void {
    this.#ring(this, now);
  }

  /** Resolves at the next answered renewal, or when the lease is lost or given back. */
  nextNews(): Promise<void> {
    return new Promise((resolve) => {
      (this.#waiting ??= []).push(resolve);
    });
  }

  tellNews(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.forEach((resolve) => {
      resolve();
    });
  }
}

export class LeaseRenewer {
  readonly #driver: LockDriver;
  readonly #clock: Clock;
  readonly #alarms: Alarms;
  readonly #onStoreError: (name: string, error: LockStoreError) => void;
  #due: KeptLease[] = [];

  constructor(
    driver: LockDriver,
    clock: Clock,
    onStoreError: (name: string, error: LockStoreError) => void,
  ) {
    this.#driver = driver;
    this.#clock = clock;
    this.#onStoreError = onStoreError;
    this.#alarms = new Alarms(clock, { early: true, background: true });
  }

  /** Takes a lease into its care, until `drop`. */
  keep(
    lease: Lease,
    terms: KeptTerms,
    times: GrantTimes,
    onLost: (reason: LossReason) => void,
  ): KeptLease {
    const kept = new KeptLease(lease, terms, times, onLost, this.#ring);
    this.#schedule(kept, this.#clock.now());
    return kept;
  }

  /** The lease is in nobody's hands any more; it is neither renewed nor lost from now on. */
  drop(kept: KeptLease): void {
    kept.live = false;
    this.#alarms.clear(kept);
    kept.tellNews();
  }

  /** Renews out of turn, at once. */
  renewNow(kept: KeptLease): void {
    if (!kept.live) return;
    this.#enqueue(kept);
    this.#setAlarm(kept, this.#clock.now());
  }

  readonly #ring = (kept: KeptLease, now: number): void => {
    // The alarm may ring a grid step early, and the step belongs to the next owner.
    if (now + GRID_MS >= kept.deadline) {
      this.#lose(kept, kept.deadline >= kept.atMostAt ? 'at-most' : 'unrenewed');
      return;
    }
    if (now + GRID_MS >= kept.renewAt) this.#enqueue(kept);
    this.#setAlarm(kept, now);
  };

  /** After a grant or a renewal: the next one after a third of the ttl, on the common grid. */
  #schedule(kept: KeptLease, now: number): void {
    const { ttlMs } = kept.lease;
    const grid = Math.max(GRID_MS, ttlMs / 12);
    const wanted = kept.terms.renew && kept.deadline < kept.atMostAt;
    kept.renewAt = wanted ? Math.floor((now + ttlMs / 3) / grid) * grid : Infinity;
    this.#alarms.set(kept, Math.min(kept.renewAt, kept.deadline));
  }

  /** While a renewal is under way: the next try after a sixth of the ttl, or the deadline. */
  #setAlarm(kept: KeptLease, now: number): void {
    if (kept.renewAt <= now + GRID_MS)
      kept.renewAt = now + Math.max(2 * GRID_MS, kept.lease.ttlMs / 6);
    this.#alarms.set(kept, Math.min(kept.renewAt, kept.deadline));
  }

  #enqueue(kept: KeptLease): void {
    // All alarms of one ringing come before this, so that they share the call.
    if (this.#due.push(kept) === 1) queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    const due = this.#due.filter((kept) => kept.live);
    this.#due = [];
    if (due.length === 0) return;
    const sentAt = this.#clock.now();
    const notes = due.map((kept) => kept.note);
    const requests = due.map(({ lease, terms, note }): RenewRequest => {
      const { name, owner, ttlMs } = lease;
      const request = { name, owner, ttlMs, atMostMs: terms.atMostMs };
      return note === undefined ? request : { ...request, note };
    });
    this.#driver.renew(requests).then(
      (answers) => {
        due.forEach((kept, index) => {
          if (kept.note === notes[index]) kept.note = undefined;
          this.#answered(kept, sentAt, answers[index] === true);
        });
      },
      (error: unknown) => {
        // Unknown is not lost: the alarm of each lease stands at its next try.
        const first = due[0]?.lease.name ?? '';
        const asStoreError =
          error instanceof LockStoreError ? error : new LockStoreError(first, 'renewed', error);
        this.#onStoreError(first, asStoreError);
      },
    );
  };

  #answered(kept: KeptLease, sentAt: number, renewed: boolean): void {
    if (!kept.live) return;
    const now = this.#clock.now();
    if (!renewed) {
      this.#lose(kept, 'refused');
      return;
    }
    kept.deadline = Math.max(kept.deadline, kept.deadlineIfSentAt(sentAt));
    if (now >= kept.deadline) {
      this.#lose(kept, kept.deadline >= kept.atMostAt ? 'at-most' : 'unrenewed');
      return;
    }
    this.#schedule(kept, now);
    kept.tellNews();
  }

  #lose(kept: KeptLease, reason: LossReason): void {
    this.drop(kept);
    kept.onLost(reason);
  }
}
