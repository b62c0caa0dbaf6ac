/**
 * Steps of the contract as arguments of the function in PostgreSQL, and its rows as their answers.
 */
import type { AcquireAnswer, AcquireRequest, RenewRequest } from '../../../core/lock-driver.js';
import { readEnding, writeError } from '../ending-columns.js';
import { retryInMs } from '../retry-in.js';
import type { SqlAnswer, SqlStep } from '../sql-dialect.js';
import { KIND } from './postgres-kinds.js';

/** One row of the function's answer, by position. */
export type StepRow = readonly [
  done: boolean | null,
  granted: boolean | null,
  token: string | null,
  tokens: number | null,
  how: number | null,
  endingOwner: Buffer | null,
  endingToken: string | null,
  error: string | null,
  holder: Buffer | null,
  remaining: string | null,
  ahead: number | null,
  firstDies: string | null,
];

/** The watch mark is no step of the contract, but travels as one. */
export interface WatchStep {
  readonly kind: 'watch';
  readonly request: { readonly name: string; readonly forMs: number };
}

export interface Channels {
  /** Where this process listens for hand-overs; `null` while it does not. */
  readonly wake: string | null;
  readonly changes: string;
}

export function bytes(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

/** What is asked of one step, in the order of the functions' arguments. */
type Asked = readonly [
  kind: string,
  name: Buffer,
  owner: Buffer | null,
  ttl: number | null,
  atMost: number | null,
  note: string | null,
  count: number | null,
  number: number | null,
  error: string | null,
  atLeast: number | null,
  rejoin: Buffer | null,
];

/** The arguments of the function for one step. */
export function stepArguments(step: SqlStep | WatchStep, channels: Channels): readonly unknown[] {
  return [...askedOf(step), channels.wake, channels.changes];
}

/**
 * The arguments of the function for many.
 *
 * @param steps sorted by name, so that two runs that make new rows make them in the same order.
 */
export function runArguments(steps: readonly SqlStep[], channels: Channels): readonly unknown[] {
  const all = steps.map(askedOf);
  const kinds = all.map(([kind]) => kind).join('');
  const arrays = Array.from({ length: 10 }, (_, at) => all.map((asked) => asked[at + 1]));
  return [kinds, ...arrays, channels.wake, channels.changes];
}

export function answerOf(step: SqlStep, row: StepRow, pushed: boolean): SqlAnswer {
  const [done] = row;
  if (done === null) return 'busy';
  switch (step.kind) {
    case 'acquire':
      return acquireAnswer(row, pushed);
    case 'release':
      return {
        released: done,
        rejoined: step.request.rejoin === null ? null : acquireAnswer(row, pushed),
      };
    case 'leave':
      return undefined;
    case 'renew':
    case 'force':
      return done;
  }
}

function acquireAnswer(row: StepRow, pushed: boolean): AcquireAnswer {
  const [, granted, token, tokens, how, owner, endingToken, error] = row;
  const [, , , , , , , , holder, remaining, ahead, firstDies] = row;
  if (granted === true) {
    const previous = readEnding({ how, owner: text(owner), token: endingToken, error });
    return { granted, token: Number(token), tokens: tokens ?? 1, previous };
  }
  const remainingMs = milliseconds(remaining);
  const facts = {
    taken: holder !== null,
    remainingMs,
    ahead: ahead ?? 0,
    firstDiesInMs: milliseconds(firstDies),
  };
  return {
    granted: false,
    owner: text(holder),
    remainingMs,
    ahead: facts.ahead,
    retryInMs: retryInMs(facts, pushed),
  };
}

export function text(value: Buffer | null): string | null {
  return value === null ? null : value.toString('utf8');
}

/** Rounded up: a wait that ends a little late finds the lease run out. */
export function milliseconds(us: string | number | null): number {
  return Math.max(0, Math.ceil(Number(us ?? 0) / 1_000));
}

function microseconds(ms: number | null): number | null {
  return ms === null ? null : ms * 1_000;
}

function askedOf(step: SqlStep | WatchStep): Asked {
  const { request } = step;
  const terms = termsOf(step);
  const release = step.kind === 'release' ? step.request : null;
  const rejoin = release?.rejoin ?? null;
  return [
    letterOf(step),
    bytes(request.name),
    'owner' in request ? bytes(request.owner) : null,
    microseconds(step.kind === 'watch' ? step.request.forMs : (terms?.ttlMs ?? null)),
    microseconds(terms?.atMostMs ?? null),
    terms?.note ?? null,
    terms !== null && 'tokens' in terms ? terms.tokens : null,
    release?.token ?? null,
    release === null ? null : writeError(release.error),
    microseconds(release?.atLeastMs ?? null),
    rejoin === null ? null : bytes(rejoin.owner),
  ];
}

function termsOf(step: SqlStep | WatchStep): AcquireRequest | RenewRequest | null {
  if (step.kind === 'acquire' || step.kind === 'renew') return step.request;
  return step.kind === 'release' ? step.request.rejoin : null;
}

function letterOf(step: SqlStep | WatchStep): string {
  if (step.kind === 'acquire') return KIND[step.request.line === 'join' ? 'join' : 'acquire'];
  if (step.kind === 'renew')
    return KIND[step.request.note === undefined ? 'renew' : 'renewWithNote'];
  return KIND[step.kind];
}
