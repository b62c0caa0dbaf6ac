/**
 * SQLite has no push, but a look costs microseconds and no round trip: so the store looks by
 * itself, on behalf of the owners of this process that stand in a line, and tells the one that may
 * have the lease now. The first of a line looks often, each one behind it less so; and the longer a
 * hold lasts already, the less a little lateness matters. Those behind must not be late either to
 * see that the line moves: after a long hold, short ones may follow.
 */
import { LINE_TIMES, type AcquireRequest, type Refused } from '../../../core/lock-driver.js';

/** What was refused, and since when the lease is held or claimed by somebody else. */
export interface Refusal {
  readonly answer: Refused;
  /** 0 when the name is free. */
  readonly heldForMs: number;
}

export interface LookoutOptions {
  /** Looks without writing; `null`: the lease is to be had. Throws when the file cannot be read. */
  look(request: AcquireRequest): Refusal | null;
  tell(owner: string): void;
}

/** What the first of the line waits between two looks at a hold that has just begun. */
const SOONEST_MS = 1;
const LATEST_MS = 250;
/** The file could not be read: busy, or a transaction of the application is open. */
const UNREAD_MS = 5;
/** Lateness that is allowed per time already held: a hold of one second may be missed by 20 ms. */
const SHARE_OF_HOLD = 0.02;
const MORE_A_PLACE = 0.1;
/** Who waits for many names at once looks for each of them the less: so many looks a second. */
const LOOKS_A_MS = 4;

export class Lookout {
  readonly #options: LookoutOptions;
  readonly #waiting = new Map<string, Waiting>();

  constructor(options: LookoutOptions) {
    this.#options = options;
  }

  /** The owner stands in the line, by a ticket that was made or refreshed just now. */
  expect(request: AcquireRequest, refusal: Refusal): void {
    this.forget(request.owner);
    const until = performance.now() + LINE_TIMES.ticketMs;
    const waiting: Waiting = { request, until, timer: null };
    this.#waiting.set(request.owner, waiting);
    this.#lookAfter(waiting, pacedLookMs(refusal));
  }

  /** The owner has got what it stood in the line for, or has left. */
  forget(owner: string): void {
    const timer = this.#waiting.get(owner)?.timer ?? null;
    if (timer !== null) clearTimeout(timer);
    this.#waiting.delete(owner);
  }

  close(): void {
    for (const owner of [...this.#waiting.keys()]) this.forget(owner);
  }

  #lookAfter(waiting: Waiting, ms: number): void {
    const pace = Math.max(ms, Math.floor(this.#waiting.size / LOOKS_A_MS));
    waiting.timer = setTimeout(() => {
      this.#look(waiting);
    }, pace).unref();
  }

  #look(waiting: Waiting): void {
    const { owner } = waiting.request;
    const refusal = this.#seen(waiting.request);
    if (refusal === null) {
      // It asks now; if it is refused, it is expected again.
      this.forget(owner);
      this.#options.tell(owner);
    } else if (performance.now() < waiting.until) {
      this.#lookAfter(waiting, refusal === 'unread' ? UNREAD_MS : pacedLookMs(refusal));
    } else {
      this.forget(owner);
    }
  }

  #seen(request: AcquireRequest): Refusal | 'unread' | null {
    try {
      return this.#options.look(request);
    } catch {
      // Where it is worse than busy, whoever asks is told.
      return 'unread';
    }
  }
}

interface Waiting {
  readonly request: AcquireRequest;
  /** Its ticket lives until then at most. */
  readonly until: number;
  timer: NodeJS.Timeout | null;
}

/** When to look again after having seen this. */
export function pacedLookMs({ answer: { ahead, retryInMs }, heldForMs }: Refusal): number {
  const whileShort = SOONEST_MS * Math.max(1, ahead);
  const whileLong = heldForMs * SHARE_OF_HOLD * (1 + ahead * MORE_A_PLACE);
  const pace = Math.floor(Math.max(whileShort, whileLong));
  return Math.max(1, Math.min(pace, retryInMs, LATEST_MS));
}
