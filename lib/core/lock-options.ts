/**
 * What a caller may ask for, checked before anything is sent. `Terms` is the checked form, with
 * every default filled in, that the rest of the core works with.
 */
import type { JsonValue } from './lease.js';
import { LockOptionsError } from './lock-errors.js';

/** How to take a lock. Everything is optional. */
export interface LockOptions {
  /**
   * Length of the lease, by default 30 s. It is renewed while the lock is held; it is also how long
   * the others wait after a crash. 50 ms at least.
   */
  readonly ttlMs?: number;
  /** How long to wait for the lock, by default 30 s; 0: do not wait. */
  readonly waitMs?: number;
  /** Released sooner than this after the grant, the lock stays taken until then. By default 0. */
  readonly atLeastMs?: number;
  /** The lock is not renewed beyond this after its grant; then it is lost. By default no end. */
  readonly atMostMs?: number;
  /** `false`: never renewed; the lock is lost when the ttl is over. By default `true`. */
  readonly renew?: boolean;
  /** A few words for `inspect`, `list` and `watch` to show: JSON of at most 1,000 characters. */
  readonly note?: JsonValue;
  /** Ends the waiting: the call rejects with its reason. Says nothing once the lock is held. */
  readonly signal?: AbortSignal;
  /** Join the outer hold if this call chain holds the name already. By default that is an error. */
  readonly reentrant?: boolean;
}

/** Defaults that a whole application can set. */
export type LockDefaults = Pick<LockOptions, 'ttlMs' | 'waitMs' | 'renew'>;

/** Checked options, nothing left open. */
export interface Terms {
  readonly ttlMs: number;
  readonly waitMs: number;
  readonly atLeastMs: number;
  readonly atMostMs: number | null;
  readonly renew: boolean;
  readonly note: string | null;
  readonly signal: AbortSignal | null;
  readonly reentrant: boolean;
}

export const STANDARD_TERMS: Terms = {
  ttlMs: 30_000,
  waitMs: 30_000,
  atLeastMs: 0,
  atMostMs: null,
  renew: true,
  note: null,
  signal: null,
  reentrant: false,
};

/** A lease shorter than this would be over before its own round trips. */
const SHORTEST_TTL_MS = 50;
/** The longest that a Node timer can wait. */
const LONGEST_MS = 2 ** 31 - 1;
const LONGEST_NAME_BYTES = 255;
const LONGEST_NOTE = 1_000;

const OPTIONS: ReadonlySet<string> = new Set([
  ...['ttlMs', 'waitMs', 'atLeastMs', 'atMostMs', 'renew', 'note', 'signal', 'reentrant'],
]);

/** Fills in what is missing from `base`, and refuses what cannot be meant. */
export function checkTerms(options: LockOptions, base: Terms = STANDARD_TERMS): Terms {
  for (const option in options) {
    if (!OPTIONS.has(option)) {
      throw new LockOptionsError(
        option,
        'it',
        `left out: the options are ${[...OPTIONS].join(', ')}`,
      );
    }
  }
  const { ttlMs, waitMs, atLeastMs, atMostMs, renew, note, signal, reentrant } = options;
  return {
    ttlMs: ttlMs === undefined ? base.ttlMs : checkMs('ttlMs', ttlMs, SHORTEST_TTL_MS),
    waitMs: waitMs === undefined ? base.waitMs : checkMs('waitMs', waitMs, 0),
    atLeastMs: atLeastMs === undefined ? base.atLeastMs : checkMs('atLeastMs', atLeastMs, 0),
    atMostMs:
      atMostMs === undefined ? base.atMostMs : checkMs('atMostMs', atMostMs, SHORTEST_TTL_MS),
    renew: renew === undefined ? base.renew : checkBoolean('renew', renew),
    note: note === undefined ? base.note : checkNote(note),
    signal: signal === undefined ? base.signal : checkSignal(signal),
    reentrant: reentrant === undefined ? base.reentrant : checkBoolean('reentrant', reentrant),
  };
}

/** Refuses what cannot be the name of a lock. */
export function checkName(name: string): string {
  const fits =
    typeof name === 'string' &&
    name.length > 0 &&
    // A UTF-16 unit takes three bytes at most, so that most names need no counting.
    (name.length * 3 <= LONGEST_NAME_BYTES || Buffer.byteLength(name) <= LONGEST_NAME_BYTES) &&
    name.isWellFormed();
  if (fits) return name;
  throw new LockOptionsError('name', name, '1 to 255 bytes of UTF-8 text');
}

/** Refuses what is not a whole number of milliseconds in a fair range. */
export function checkMs(option: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least && value <= LONGEST_MS) return value;
  const range = `a whole number of milliseconds from ${least} to ${LONGEST_MS}`;
  throw new LockOptionsError(option, value, range);
}

/** The note as JSON text; `null` stands for no note. */
export function checkNote(note: JsonValue): string | null {
  if (note === null) return null;
  let text: string | undefined;
  try {
    text = JSON.stringify(note);
  } catch {
    // Cyclic, or a BigInt: refused below like anything else that is not JSON.
  }
  if (typeof text === 'string' && text.length <= LONGEST_NOTE) return text;
  throw new LockOptionsError('note', note, `JSON of at most ${LONGEST_NOTE} characters`);
}

function checkBoolean(option: string, value: boolean): boolean {
  if (typeof value === 'boolean') return value;
  throw new LockOptionsError(option, value, 'true or false');
}

function checkSignal(signal: AbortSignal): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  throw new LockOptionsError('signal', signal, 'an AbortSignal');
}
