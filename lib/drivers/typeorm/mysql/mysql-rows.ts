/** What the rows say: answers to steps, and what can be seen of a name from outside. */
import type { Ending, JsonValue, LockPhase, LockState } from '../../../core/lease.js';
import type { AcquireAnswer, Granted, Refused } from '../../../core/lock-driver.js';
import { readEnding } from '../ending-columns.js';
import { retryInMs } from '../retry-in.js';
import type { MysqlRow } from './mysql-connections.js';
import { text, textOrNull } from './mysql-text.js';

const PHASES: readonly LockPhase[] = ['free', 'claimed', 'held', 'resting'];

/** The row of a name, with plain values; times in microseconds. */
export interface NameRow {
  readonly name: string;
  /** As written; what is there may have run out. */
  readonly written: LockPhase;
  /** `free` also when what was there has run out. */
  readonly phase: LockPhase;
  readonly owner: string | null;
  readonly since: number;
  readonly endsAt: number;
  readonly token: number;
  readonly tokens: number;
  /** As written: while held, what the holder was told. */
  readonly told: Ending | null;
  /** What the next holder will be told, if it is free. */
  readonly ending: Ending | null;
  readonly note: string | null;
  readonly waiting: number;
  readonly usedAt: number;
  readonly now: number;
}

/** @param row all columns of a name, and `now`. */
export function readName(row: MysqlRow): NameRow {
  const now = Number(row.now);
  const endsAt = Number(row.ends_at);
  const found = PHASES[Number(row.phase)] ?? 'free';
  const owner = textOrNull(row.owner);
  const token = Number(row.token);
  const hasRunOut = endsAt <= now;
  const told = readEnding({
    how: numberOrNull(row.ending_how),
    owner: textOrNull(row.ending_owner),
    token: numberOrNull(row.ending_token),
    error: textOrNull(row.ending_error),
  });
  return {
    name: text(row.name),
    written: found,
    phase: hasRunOut ? 'free' : found,
    owner,
    since: Number(row.since),
    endsAt,
    token,
    tokens: Number(row.tokens),
    told,
    ending: hasRunOut && found === 'held' ? { how: 'expired', owner: owner ?? '', token } : told,
    note: textOrNull(row.note),
    waiting: Number(row.waiting),
    usedAt: Number(row.used_at),
    now,
  };
}

/** Also where `atMostMs` has ended the hold as it was granted anew. */
export function granted({ token, tokens, told }: NameRow): Granted {
  return { granted: true, token, tokens, previous: told };
}

/** What a refusal says besides the row. */
export interface PlaceInLine {
  readonly ahead: number;
  /**
   * When the first live ticket of the line runs out, in the store's microseconds; `null`: no line.
   */
  readonly firstEndsAt: number | null;
  /** Whether the bell will be rung. */
  readonly pushed: boolean;
}

export function refused(row: NameRow, { ahead, firstEndsAt, pushed }: PlaceInLine): Refused {
  const taken = row.phase !== 'free';
  const remainingMs = taken ? Math.ceil((row.endsAt - row.now) / 1_000) : 0;
  const firstDiesInMs = firstEndsAt === null ? 0 : Math.max(0, (firstEndsAt - row.now) / 1_000);
  return {
    granted: false,
    owner: taken ? row.owner : null,
    remainingMs,
    ahead,
    retryInMs: retryInMs({ taken, remainingMs, ahead, firstDiesInMs }, pushed),
  };
}

/** @param row all columns of a name, `now`, and `line`: how many live tickets there are. */
export function readLockState(row: MysqlRow): LockState {
  const name = readName(row);
  const isFree = name.phase === 'free';
  return {
    name: name.name,
    phase: name.phase,
    owner: isFree ? null : name.owner,
    token: name.token === 0 ? null : name.token,
    heldForMs: isFree ? 0 : Math.max(0, Math.floor((name.now - name.since) / 1_000)),
    remainingMs: isFree ? 0 : Math.ceil((name.endsAt - name.now) / 1_000),
    waiting: Number(row.line),
    note: name.phase === 'held' && name.note !== null ? (JSON.parse(name.note) as JsonValue) : null,
    ending: name.phase === 'held' ? null : name.ending,
  };
}

export function unknownState(name: string): LockState {
  return {
    ...{ name, phase: 'free', owner: null, token: null, heldForMs: 0, remainingMs: 0 },
    ...{ waiting: 0, note: null, ending: null },
  };
}

/** The answer in the row that a step's packet ends with (`mysql-packet.ts`). */
export function readAcquire(row: MysqlRow, pushed: boolean): AcquireAnswer {
  const did = text(row.did);
  const name = readName(row);
  if (did === 'grant' || did === 'again') return granted(name);
  return refused(name, {
    ahead: Number(row.ahead),
    firstEndsAt: numberOrNull(row.first),
    pushed,
  });
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
