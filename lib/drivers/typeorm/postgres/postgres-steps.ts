/**
 * Steps of the contract as arguments of the function in PostgreSQL, and its rows as their answers.
 */
import type { AcquireAnswer, AcquireRequest } from '../../../core/lock-driver.js';
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

/**
 * How long a lonely step waits for its row: longer than others have it as a rule, and not so long
 * that a stuck transaction (a fenced one of a process that was stopped) uses up our few
 * connections.
 */
const LONELY_PATIENCE_MS = 50;

export function bytes(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

/** @param steps sorted by name, so that two runs that make new rows make them in the same order. */
export function stepArguments(
  steps: readonly (SqlStep | WatchStep)[],
  { wake, changes }: Channels,
): readonly unknown[] {
  let kinds = '';
  const names: Buffer[] = [];
  const owners: (Buffer | null)[] = [];
  const ttls: (number | null)[] = [];
  const atMosts: (number | null)[] = [];
  const notes: (string | null)[] = [];
  const counts: (number | null)[] = [];
  const numbers: (number | null)[] = [];
  const errors: (string | null)[] = [];
  const atLeasts: (number | null)[] = [];
  const rejoins: (Buffer | null)[] = [];
  for (const step of steps) {
    const { request } = step;
    const asked = asksFor(step);
    kinds += letterOf(step);
    names.push(bytes(request.name));
    owners.push('owner' in request ? bytes(request.owner) : null);
    ttls.push(microseconds(step.kind === 'watch' ? step.request.forMs : (asked?.ttlMs ?? null)));
    atMosts.push(microseconds(asked?.atMostMs ?? null));
    notes.push(asked?.note ?? null);
    counts.push(step.kind === 'renew' ? null : ((asked as AcquireRequest | null)?.tokens ?? null));
    const release = step.kind === 'release' ? step.request : null;
    numbers.push(release?.token ?? null);
    errors.push(release === null ? null : writeError(release.error));
    atLeasts.push(microseconds(release?.atLeastMs ?? null));
    const rejoin = release?.rejoin ?? null;
    rejoins.push(rejoin === null ? null : bytes(rejoin.owner));
  }
  const patience = steps.length === 1 ? LONELY_PATIENCE_MS : 0;
  return [
    kinds,
    names,
    owners,
    ttls,
    atMosts,
    notes,
    counts,
    numbers,
    errors,
    atLeasts,
    rejoins,
    wake,
    changes,
    patience,
  ];
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

type Asked = AcquireRequest | (SqlStep & { readonly kind: 'renew' })['request'];

function asksFor(step: SqlStep | WatchStep): Asked | null {
  if (step.kind === 'acquire' || step.kind === 'renew') return step.request;
  return step.kind === 'release' ? step.request.rejoin : null;
}

function letterOf(step: SqlStep | WatchStep): string {
  if (step.kind === 'acquire') return KIND[step.request.line === 'join' ? 'join' : 'acquire'];
  if (step.kind === 'renew')
    return KIND[step.request.note === undefined ? 'renew' : 'renewWithNote'];
  return KIND[step.kind];
}
