/**
 * PostgreSQL: the tables. Bytes for names and owners, so that no collation has a say and NUL is a
 * character; bigint microseconds of `clock_timestamp()` for times, so that no time zone has one.
 */
import type { LockTables } from '../lock-tables.js';

/** The names as they stand in SQL text. */
export interface PostgresNames {
  readonly locks: string;
  readonly tickets: string;
  readonly fences: string;
  /** The function that runs one step, and that which runs many. */
  readonly step: string;
  readonly run: string;
  /** The proof for fenced transactions. */
  readonly holds: string;
}

/**
 * @param version stands in the names of the functions: while a new release of the application takes
 *   over from an old one, both work on the same tables, each with functions of its own.
 */
export function namesOf(
  { schema, locks, tickets, fences }: LockTables,
  version: string,
): PostgresNames {
  const quote = (name: string): string => (schema === null ? `"${name}"` : `"${schema}"."${name}"`);
  return {
    locks: quote(locks),
    tickets: quote(tickets),
    fences: quote(fences),
    step: quote(`${locks}_step_${version}`),
    run: quote(`${locks}_run_${version}`),
    holds: quote(`${locks}_holds_${version}`),
  };
}

/**
 * - `highest`: the highest token ever reserved. `token`: the first of the latest grant's block.
 * - `since`: of the grant, or the hand-over. `ends_at`: of the lease, claim or rest.
 * - `ending_*`: how the last hold ended; while held, what this holder was told of the one before.
 * - `waiting`: how many tickets there are, dead ones included. While it is 0 nobody reads the
 *   tickets.
 * - The row of the empty name is no lock: its `highest` is that of all rows that were forgotten.
 *
 * Half of each page is left free, so that an update finds room beside the old row and touches no
 * index.
 */
export function tableStatements({ locks, tickets }: PostgresNames): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${locks} (
  name bytea PRIMARY KEY,
  phase smallint NOT NULL DEFAULT 0 CHECK (phase BETWEEN 0 AND 3),
  owner bytea,
  token bigint,
  tokens integer NOT NULL DEFAULT 0,
  highest bigint NOT NULL DEFAULT 0,
  since bigint NOT NULL DEFAULT 0,
  ends_at bigint NOT NULL DEFAULT 0,
  ending_how smallint,
  ending_owner bytea,
  ending_token bigint,
  ending_error text,
  note text,
  waiting integer NOT NULL DEFAULT 0,
  last_place bigint NOT NULL DEFAULT 0,
  watched_until bigint NOT NULL DEFAULT 0,
  used_at bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50)`,
    `CREATE TABLE IF NOT EXISTS ${tickets} (
  name bytea NOT NULL,
  place bigint NOT NULL,
  owner bytea NOT NULL,
  ends_at bigint NOT NULL,
  channel text,
  PRIMARY KEY (name, place),
  UNIQUE (name, owner)
) WITH (fillfactor = 80)`,
  ];
}

export function fenceTableStatement({ fences }: PostgresNames): string {
  return `CREATE TABLE IF NOT EXISTS ${fences} (
  resource bytea PRIMARY KEY,
  token bigint NOT NULL
)`;
}
