/**
 * The nouns of the library: a lease, how it ended, and what can be seen of a lock from outside.
 * Every driver, the core and the Nest layer speak of these and of nothing else.
 */

/** Anything that survives `JSON.parse(JSON.stringify(value))`. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** What a store granted: for `ttlMs` from now, by the store's clock, `owner` alone has `name`. */
export interface Lease {
  readonly name: string;
  /** One acquisition: `host:pid:instance:n`. Unique, so an old run can never pass for a new one. */
  readonly owner: string;
  /** First fencing token of the block that was reserved with the grant. */
  readonly token: number;
  /** How long it lasts from each grant and renewal, by the store's clock. */
  readonly ttlMs: number;
}

/** An error as it travels through the store to the next holder. */
export interface EndingError {
  /** At most 100 characters. */
  readonly name: string;
  /** At most 2,000 characters. */
  readonly message: string;
  readonly code?: string | number;
  /** What the error had as `data`, if that is JSON of at most 4,000 characters. */
  readonly data?: JsonValue;
}

/** How a hold ended. The next holder of the name, and only that one, is told. */
export type Ending =
  | { readonly how: 'released'; readonly owner: string; readonly token: number }
  | {
      readonly how: 'failed';
      readonly owner: string;
      readonly token: number;
      readonly error: EndingError;
    }
  /** The holder crashed, hung or was cut off: its lease ran out. */
  | { readonly how: 'expired'; readonly owner: string; readonly token: number }
  /** Somebody called `forceRelease`. */
  | { readonly how: 'forced'; readonly owner: string; readonly token: number };

/**
 * - `free`: nobody has it.
 * - `claimed`: handed over to the first of the line, who has a short time to confirm.
 * - `held`: somebody has it.
 * - `resting`: released early, but its `atLeastMs` is not over; nobody gets it yet.
 */
export type LockPhase = 'free' | 'claimed' | 'held' | 'resting';

/** What can be seen of a lock from outside, all of it by the store's clock at one moment. */
export interface LockState {
  readonly name: string;
  /** Free, held, or between the two. */
  readonly phase: LockPhase;
  /** Who holds or claims it, or who rests; `null` when free. */
  readonly owner: string | null;
  /** The fencing token of the latest grant; `null` when there never was one, or it is forgotten. */
  readonly token: number | null;
  /** Since the grant; 0 when free. */
  readonly heldForMs: number;
  /** Until the lease, claim or rest runs out; 0 when free. */
  readonly remainingMs: number;
  /** How many tickets stand in the line, one a process. */
  readonly waiting: number;
  /** What the holder wrote on its lock; `null` when it wrote nothing, or the lock is free. */
  readonly note: JsonValue | null;
  /** How the latest hold ended that the next holder has yet to hear of; `null` while held. */
  readonly ending: Ending | null;
}

const LONGEST_MESSAGE = 2_000;
const LONGEST_DATA = 4_000;

/** Writes an error down for the next holder: name, message, code and data, cut to a fair size. */
export function describeError(error: unknown): EndingError {
  if (!(error instanceof Error)) return { name: 'Error', message: cut(printable(error)) };
  // Anybody may throw an Error whose fields are something else than they should be.
  const { name, message, code, data } = error as { [key in keyof EndingError]: unknown };
  const kept = json(data);
  return {
    name: String(name).slice(0, 100),
    message: cut(String(message)),
    ...(typeof code === 'number' || typeof code === 'string' ? { code } : {}),
    ...(kept === undefined ? {} : { data: kept }),
  };
}

/** Makes an `Error` of it again, with its name, message, code and data; the stack is ours. */
export function reviveError(error: EndingError): Error {
  const revived = new Error(error.message);
  const define = (key: string, value: unknown): void => {
    Object.defineProperty(revived, key, { value, configurable: true, writable: true });
  };
  define('name', error.name);
  if (error.code !== undefined) define('code', error.code);
  if (error.data !== undefined) define('data', error.data);
  return revived;
}

function cut(text: string): string {
  return text.length <= LONGEST_MESSAGE ? text : `${text.slice(0, LONGEST_MESSAGE - 1)}…`;
}

function printable(value: unknown): string {
  if (typeof value === 'string') return value;
  const kept = json(value);
  return kept === undefined ? String(value) : JSON.stringify(kept);
}

/** The JSON form of a value, or `undefined` when it has none or is too long to carry. */
function json(value: unknown): JsonValue | undefined {
  if (value === undefined) return undefined;
  try {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined || text.length > LONGEST_DATA) return undefined;
    return JSON.parse(text) as JsonValue;
  } catch {
    // Cyclic, a BigInt, or a toJSON that throws: the error still travels, without its data.
    return undefined;
  }
}
