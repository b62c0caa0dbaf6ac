/** PostgreSQL: the statements that are prepared once a connection, and how a state is read. */
import { createHash } from 'node:crypto';
import type { JsonValue, LockState } from '../../../core/lease.js';
import { ENDING, readEnding } from '../ending-columns.js';
import { PHASE, phaseName } from '../phase.js';
import { NOW } from './postgres-holds-function.js';
import type { PostgresNames } from './postgres-schema.js';
import { milliseconds, text } from './postgres-steps.js';

interface Prepared {
  readonly name: string;
  readonly text: string;
}

export interface PostgresQueries {
  readonly names: PostgresNames;
  readonly step: Prepared;
  readonly run: Prepared;
  readonly inspect: Prepared;
  readonly list: Prepared;
  readonly cleanUp: Prepared;
  readonly isComplete: Prepared;
}

/** As many to either function. */
const ARGUMENTS = '$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13';

export function postgresQueries(names: PostgresNames): PostgresQueries {
  return {
    names,
    step: prepared(`SELECT * FROM ${names.step}(${ARGUMENTS})`),
    run: prepared(`SELECT * FROM ${names.run}(${ARGUMENTS})`),
    inspect: prepared(inspectText(names)),
    list: prepared(listText(names)),
    cleanUp: prepared(cleanUpText(names)),
    isComplete: prepared(isCompleteText(names)),
  };
}

/** By position: a lock's row, its live tickets, and the clock they were judged by. */
export type StateRow = readonly [
  name: Buffer,
  phase: number,
  owner: Buffer | null,
  token: string | null,
  since: string,
  endsAt: string,
  how: number | null,
  endingOwner: Buffer | null,
  endingToken: string | null,
  error: string | null,
  note: string | null,
  waiting: string,
  now: string,
];

export function readState(name: string, row: StateRow | undefined): LockState {
  if (row === undefined) return unknownName(name);
  const [, storedPhase, owner, token, since, endsAt, ...ending] = row;
  const [how, endingOwner, endingToken, error, note, waiting, now] = ending;
  const remainingMs = milliseconds(Number(endsAt) - Number(now));
  const phase = remainingMs === 0 ? 'free' : phaseName(storedPhase);
  const isFree = phase === 'free';
  const expired = isFree && storedPhase === PHASE.held;
  return {
    name,
    phase,
    owner: isFree ? null : text(owner),
    token: token === null ? null : Number(token),
    heldForMs: isFree ? 0 : Math.max(0, Math.floor((Number(now) - Number(since)) / 1_000)),
    remainingMs: isFree ? 0 : remainingMs,
    waiting: Number(waiting),
    note: phase === 'held' && note !== null ? (JSON.parse(note) as JsonValue) : null,
    ending: expired
      ? readEnding({ how: ENDING.expired, owner: text(owner), token, error: null })
      : phase === 'held'
        ? null
        : readEnding({ how, owner: text(endingOwner), token: endingToken, error }),
  };
}

function unknownName(name: string): LockState {
  return {
    name,
    phase: 'free',
    owner: null,
    token: null,
    heldForMs: 0,
    remainingMs: 0,
    waiting: 0,
    note: null,
    ending: null,
  };
}

/** The columns of `StateRow`, for a row `l` and a clock `c`. */
function stateColumns({ tickets }: PostgresNames): string {
  return `l.name, l.phase, l.owner, l.token, l.since, l.ends_at, l.ending_how, l.ending_owner,
  l.ending_token, l.ending_error, l.note,
  CASE WHEN l.waiting = 0 THEN 0 ELSE (
    SELECT count(*) FROM ${tickets} t WHERE t.name = l.name AND t.ends_at > c.now
  ) END AS waiting, c.now`;
}

/** One name, $1. One statement, so one snapshot: the row and its line belong together. */
function inspectText(names: PostgresNames): string {
  return `SELECT ${stateColumns(names)}
FROM (SELECT ${NOW} AS now) c JOIN ${names.locks} l ON l.name = $1`;
}

/** Names that start with $1 and are in use, the first $2 of them, as one snapshot shows them. */
function listText(names: PostgresNames): string {
  return `SELECT * FROM (SELECT ${stateColumns(names)}
  FROM (SELECT ${NOW} AS now) c, ${names.locks} l
  WHERE l.name >= $1 AND l.name <> ''::bytea AND substring(l.name FROM 1 FOR length($1)) = $1
    AND (l.waiting > 0 OR (l.phase <> ${PHASE.free} AND l.ends_at > c.now))
) s WHERE s.waiting > 0 OR (s.phase <> ${PHASE.free} AND s.ends_at > s.now)
ORDER BY s.name LIMIT $2`;
}

/**
 * Forgets what is idle among the next $2 names after $1: unused since $3 microseconds, or $4 if the
 * last ending has something to tell. Answers the last name looked at and how many were.
 *
 * Rows that somebody has locked are left alone. The highest of the forgotten tokens goes to the
 * row of the empty name in the same step, so that a name that comes back starts above it.
 */
function cleanUpText({ locks, tickets }: PostgresNames): string {
  return `WITH page AS (
  SELECT name FROM ${locks} WHERE name > $1::bytea ORDER BY name LIMIT $2
), idle AS (
  SELECT l.name, l.highest FROM ${locks} l
  WHERE l.name IN (SELECT name FROM page)
    AND l.watched_until < ${NOW}
    AND (l.phase = ${PHASE.free} OR l.ends_at < ${NOW})
    AND greatest(l.used_at, CASE WHEN l.phase = ${PHASE.free} THEN 0 ELSE l.ends_at END) < ${NOW} -
      CASE WHEN l.phase <> ${PHASE.held} AND coalesce(l.ending_how, 0) = ${ENDING.released}
        THEN $3::bigint ELSE $4::bigint END
    AND NOT EXISTS (SELECT 1 FROM ${tickets} t WHERE t.name = l.name AND t.ends_at > ${NOW})
  ORDER BY l.name FOR UPDATE OF l SKIP LOCKED
), dead AS (
  DELETE FROM ${tickets} t USING idle WHERE t.name = idle.name
), gone AS (
  DELETE FROM ${locks} l USING idle WHERE l.name = idle.name RETURNING l.highest
), floor AS (
  INSERT INTO ${locks} AS f (name, highest)
  SELECT ''::bytea, max(highest) FROM gone HAVING count(*) > 0
  ON CONFLICT (name) DO UPDATE SET highest = greatest(f.highest, excluded.highest)
)
SELECT (SELECT name FROM page ORDER BY name DESC LIMIT 1), (SELECT count(*) FROM page)`;
}

/**
 * Asked of the catalogue, so that a missing table is an answer and not an error in the server's
 * log.
 */
function isCompleteText({ locks, tickets, step, run, holds }: PostgresNames): string {
  const literal = (name: string): string => `'${name.replaceAll("'", "''")}'`;
  return `SELECT to_regclass(${literal(locks)}) IS NOT NULL
  AND to_regclass(${literal(tickets)}) IS NOT NULL
  AND to_regproc(${literal(step)}) IS NOT NULL
  AND to_regproc(${literal(run)}) IS NOT NULL
  AND to_regproc(${literal(holds)}) IS NOT NULL
  AND (SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass(${literal(locks)})
    AND attname = ANY ('{${LOCK_COLUMNS.join(',')}}')) = ${LOCK_COLUMNS.length}`;
}

/** Those that a table of an earlier version might not have. */
const LOCK_COLUMNS = ['name', 'phase', 'owner', 'token', 'tokens', 'highest', 'since', 'ends_at']
  .concat(['ending_how', 'ending_owner', 'ending_token', 'ending_error', 'note', 'waiting'])
  .concat(['last_place', 'watched_until', 'used_at']);

/** Named by its text: two versions on one pooled connection do not meet under one name. */
function prepared(text: string): Prepared {
  return { name: `ndl_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`, text };
}
