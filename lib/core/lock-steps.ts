/**
 * One lease and one line per name: what each verb of the contract does to the state of a name, as
 * pure functions from a state and a moment to the next state and the answer. No clock, no I/O, no
 * memory of its own; read it as the specification that the other drivers write in Lua and in SQL.
 *
 *            acquire                     release                  rest over
 *    free ───────────► held ─┬──────────────────────► resting ───────────────► free
 *     ▲ ▲                ▲   │  release, nobody waits
 *     │ └────────────────┼───┤  ttl over: ending `expired`
 *     │     claim over   │   │  release, leave or force, somebody waits
 *     └──────────────────┼── claimed   (acquire by the claimant makes it held)
 */
import type { Ending, LockPhase, LockState, JsonValue } from './lease.js';
import {
  LINE_TIMES,
  type AcquireAnswer,
  type AcquireRequest,
  type Granted,
  type Refused,
  type ReleaseAnswer,
  type ReleaseRequest,
  type RenewRequest,
} from './lock-driver.js';

/** What the store remembers of one name. Never changed in place. */
export interface NameState {
  readonly hold: Hold | null;
  /** In order of arrival; dead tickets are dropped by the next step. */
  readonly line: readonly Ticket[];
  /** The highest token that was ever reserved: the next block starts above it. */
  readonly highestToken: number;
  /** The first token of the latest grant; `null` when there was none. */
  readonly latestToken: number | null;
  /** How the latest hold ended, until the next holder is told. */
  readonly ending: Ending | null;
  /**
   * When the name was last in use, by the store's clock; a free name is forgotten some time after.
   */
  readonly usedAt: number;
}

/** Who has the name, and until when. */
export interface Hold {
  readonly phase: Exclude<LockPhase, 'free'>;
  readonly owner: string;
  /** When it was granted, or handed over if it is a claim. */
  readonly since: number;
  readonly endsAt: number;
  readonly token: number;
  readonly tokens: number;
  /** The ending that this holder was told: told again if it asks again, handed on if it leaves. */
  readonly previous: Ending | null;
  readonly note: string | null;
}

export interface Ticket {
  readonly owner: string;
  readonly endsAt: number;
}

/** All that a step may know of the world. */
export interface Moment {
  /** The store's clock, in milliseconds. */
  readonly now: number;
  /** The store's time in microseconds: no token is granted below it. */
  readonly tokenTime: number;
  /** Whether this owner's process is there to be told of a hand-over. */
  readonly listens: (owner: string) => boolean;
}

/** The state after a step, and what the caller is answered. */
export type Step<Answer> = readonly [after: NameState, answer: Answer];

/** A name that nobody ever took; `floor` is the highest token of the names that were forgotten. */
export function unknownName(floor: number): NameState {
  return { hold: null, line: [], highestToken: floor, latestToken: null, ending: null, usedAt: 0 };
}

/** Makes true what time has done by itself: leases, claims and rests run out, tickets die. */
export function settle(state: NameState, now: number): NameState {
  const line = state.line.every((ticket) => ticket.endsAt > now)
    ? state.line
    : state.line.filter((ticket) => ticket.endsAt > now);
  const { hold } = state;
  if (hold === null || hold.endsAt > now) return line === state.line ? state : { ...state, line };
  // A claim that ran out never was a hold: the ending goes on waiting. After a rest it is there
  // already.
  const ending: Ending | null =
    hold.phase === 'held' ? { how: 'expired', owner: hold.owner, token: hold.token } : state.ending;
  return { ...state, line, ending, hold: null, usedAt: hold.endsAt };
}

export function acquire(
  before: NameState,
  request: AcquireRequest,
  moment: Moment,
): Step<AcquireAnswer> {
  const { now } = moment;
  const state = settle(before, now);
  const { hold } = state;

  if (hold?.phase === 'held' && hold.owner === request.owner) {
    const endsAt = leaseEnd(hold.since, request, now);
    const asked = { ...hold, endsAt, note: request.note };
    return [{ ...state, hold: asked, usedAt: now }, answerGranted(hold)];
  }
  const mine = hold?.phase === 'claimed' && hold.owner === request.owner;
  const first = state.line[0];
  const free = hold === null && (first === undefined || first.owner === request.owner);
  if (mine || free) return grant(state, request, moment);

  const after = request.line === 'join' ? joinLine(state, request.owner, now) : state;
  return [after, answerRefused(after, request.owner, now)];
}

export function renew(before: NameState, request: RenewRequest, { now }: Moment): Step<boolean> {
  const state = settle(before, now);
  const { hold } = state;
  if (hold?.phase !== 'held' || hold.owner !== request.owner) return [state, false];
  const endsAt = leaseEnd(hold.since, request, now);
  const note = request.note === undefined ? hold.note : request.note;
  return [{ ...state, hold: { ...hold, endsAt, note }, usedAt: now }, true];
}

export function release(
  before: NameState,
  request: ReleaseRequest,
  moment: Moment,
): Step<ReleaseAnswer> {
  const state = settle(before, moment.now);
  const { hold } = state;
  const released = hold?.phase === 'held' && hold.owner === request.owner;
  const after = released ? giveBack(state, hold, request, moment) : state;
  if (request.rejoin === null) return [after, { released, rejoined: null }];
  const [rejoinedState, rejoined] = acquire(after, request.rejoin, moment);
  return [rejoinedState, { released, rejoined }];
}

export function leave(before: NameState, owner: string, moment: Moment): Step<undefined> {
  const settled = settle(before, moment.now);
  const line = settled.line.filter((ticket) => ticket.owner !== owner);
  const state = line.length === settled.line.length ? settled : { ...settled, line };
  const { hold } = state;
  if (hold?.owner !== owner || hold.phase === 'resting') return [state, undefined];
  // As if this grant had never been: what it was told, the next one is told.
  const ending = hold.phase === 'held' ? hold.previous : state.ending;
  return [handOver({ ...state, ending }, moment), undefined];
}

export function forceRelease(before: NameState, moment: Moment): Step<boolean> {
  const state = settle(before, moment.now);
  const { hold } = state;
  if (hold === null) return [state, false];
  const ending: Ending = { how: 'forced', owner: hold.owner, token: hold.token };
  return [handOver({ ...state, ending }, moment), true];
}

/** What can be seen of a name from outside. */
export function view(name: string, before: NameState, now: number): LockState {
  const { hold, line, latestToken, ending } = settle(before, now);
  return {
    name,
    phase: hold?.phase ?? 'free',
    owner: hold?.owner ?? null,
    token: latestToken,
    heldForMs: hold === null ? 0 : Math.floor(now - hold.since),
    remainingMs: remaining(hold, now),
    waiting: line.length,
    note: hold?.phase === 'held' && hold.note !== null ? parseNote(hold.note) : null,
    ending,
  };
}

function grant(state: NameState, request: AcquireRequest, moment: Moment): Step<Granted> {
  const { now, tokenTime } = moment;
  const token = Math.max(state.highestToken + 1, tokenTime);
  const hold: Hold = {
    phase: 'held',
    owner: request.owner,
    since: now,
    endsAt: leaseEnd(now, request, now),
    token,
    tokens: request.tokens,
    previous: state.ending,
    note: request.note,
  };
  const after: NameState = {
    hold,
    line: state.line.filter((ticket) => ticket.owner !== request.owner),
    highestToken: token + request.tokens - 1,
    latestToken: token,
    ending: null,
    usedAt: now,
  };
  return [after, answerGranted(hold)];
}

function giveBack(
  state: NameState,
  hold: Hold,
  { owner, token, error, atLeastMs }: ReleaseRequest,
  moment: Moment,
): NameState {
  const ending: Ending =
    error === null ? { how: 'released', owner, token } : { how: 'failed', owner, token, error };
  const restsUntil = hold.since + atLeastMs;
  if (restsUntil <= moment.now) return handOver({ ...state, ending }, moment);
  return { ...state, ending, hold: { ...hold, phase: 'resting', endsAt: restsUntil } };
}

/**
 * The lease goes to the first of the line who can be told; passed-over tickets are used up, too.
 */
function handOver(state: NameState, { now, listens }: Moment): NameState {
  const next = state.line.findIndex((ticket) => listens(ticket.owner));
  const ticket = state.line[next];
  if (ticket === undefined) return { ...state, hold: null, line: [], usedAt: now };
  const hold: Hold = {
    phase: 'claimed',
    owner: ticket.owner,
    since: now,
    endsAt: now + LINE_TIMES.claimMs,
    token: state.highestToken,
    tokens: 0,
    previous: null,
    note: null,
  };
  return { ...state, hold, line: state.line.slice(next + 1), usedAt: now };
}

/** Refreshes the owner's ticket where it stands, or gives it one at the end. */
function joinLine(state: NameState, owner: string, now: number): NameState {
  const ticket: Ticket = { owner, endsAt: now + LINE_TIMES.ticketMs };
  const stands = state.line.some((other) => other.owner === owner);
  const line = stands
    ? state.line.map((other) => (other.owner === owner ? ticket : other))
    : [...state.line, ticket];
  return { ...state, line, usedAt: now };
}

function leaseEnd(
  since: number,
  { ttlMs, atMostMs }: { readonly ttlMs: number; readonly atMostMs: number | null },
  now: number,
): number {
  return Math.min(now + ttlMs, atMostMs === null ? Infinity : since + atMostMs);
}

function answerGranted({ token, tokens, previous }: Hold): Granted {
  return { granted: true, token, tokens, previous };
}

function answerRefused({ hold, line }: NameState, owner: string, now: number): Refused {
  const place = line.findIndex((ticket) => ticket.owner === owner);
  const ahead = place === -1 ? line.length : place;
  const remainingMs = remaining(hold, now);
  // The first of the line comes when the name falls free by itself; the others of a free name come
  // when its first, who has not come, is given up; all others are told, or refresh their ticket.
  const untilFirstDies = (line[0]?.endsAt ?? now) - now;
  const event = hold === null ? untilFirstDies : ahead === 0 ? remainingMs : LINE_TIMES.refreshMs;
  const retryInMs = Math.max(1, Math.min(LINE_TIMES.refreshMs, Math.ceil(event)));
  return { granted: false, owner: hold?.owner ?? null, remainingMs, ahead, retryInMs };
}

function remaining(hold: Hold | null, now: number): number {
  return hold === null ? 0 : Math.ceil(hold.endsAt - now);
}

function parseNote(note: string): JsonValue {
  return JSON.parse(note) as JsonValue;
}
