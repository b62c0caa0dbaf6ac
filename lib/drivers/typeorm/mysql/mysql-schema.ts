/**
 * The tables on MySQL 8 and MariaDB. Names and owners are bytes, so no collation has a say in what
 * is the same; times are microseconds since 1970 in UTC as plain numbers, so no time zone has one
 * either.
 */
import type { LockTables } from '../lock-tables.js';

/** What is asked for by name: a block of statements that is prepared keeps what `*` was. */
export const LOCK_COLUMNS =
  'name, phase, owner, since, ends_at, token, tokens, ending_how, ending_owner, ' +
  'ending_token, ending_error, note, waiting, used_at';

export function createStatements(tables: LockTables): readonly string[] {
  return [
    // `phase`: 0 free, 1 claimed, 2 held, 3 resting. The `ending_` columns: while held, what the
    // holder was told; otherwise what the next one will be. `token` is the first of the latest
    // block. The row of no name has, as its `token`, what no token of a new name may be below.
    `CREATE TABLE IF NOT EXISTS ${quoted(tables, tables.locks)} (
  name VARBINARY(255) NOT NULL,
  phase TINYINT NOT NULL DEFAULT 0,
  owner VARBINARY(500) NULL,
  since BIGINT NOT NULL DEFAULT 0,
  ends_at BIGINT NOT NULL DEFAULT 0,
  token BIGINT NOT NULL DEFAULT 0,
  tokens INT NOT NULL DEFAULT 0,
  ending_how TINYINT NULL,
  ending_owner VARBINARY(500) NULL,
  ending_token BIGINT NULL,
  ending_error BLOB NULL,
  note BLOB NULL,
  waiting INT NOT NULL DEFAULT 0,
  used_at BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (name)
) ENGINE = InnoDB`,
    // `bell`: the user lock by which the waiting process is found, to be rung at the hand-over.
    `CREATE TABLE IF NOT EXISTS ${quoted(tables, tables.tickets)} (
  name VARBINARY(255) NOT NULL,
  owner VARBINARY(500) NOT NULL,
  place BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  bell VARBINARY(64) NOT NULL,
  PRIMARY KEY (name, owner),
  KEY place (name, place)
) ENGINE = InnoDB`,
  ];
}

/**
 * What tokens of names that were forgotten have reached: they never fall, even if the clock does.
 * In brackets of its own, because a statement that writes to a table may not read it otherwise.
 *
 * @param locks the quoted table.
 */
export function floorOf(locks: string): string {
  return `COALESCE((SELECT f.token FROM (SELECT token FROM ${locks} WHERE name = x'') f), 0)`;
}

export function dropStatements(tables: LockTables): readonly string[] {
  return [
    `DROP TABLE IF EXISTS ${quoted(tables, tables.tickets)}`,
    `DROP TABLE IF EXISTS ${quoted(tables, tables.locks)}`,
  ];
}

export function createFenceStatements(tables: LockTables): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${quoted(tables, tables.fences)} (
  resource VARBINARY(1000) NOT NULL,
  token BIGINT NOT NULL,
  PRIMARY KEY (resource)
) ENGINE = InnoDB`,
  ];
}

export function dropFenceStatements(tables: LockTables): readonly string[] {
  return [`DROP TABLE IF EXISTS ${quoted(tables, tables.fences)}`];
}

/** The characters are checked where the names come from (`lockTables`). */
export function quoted({ schema }: LockTables, table: string): string {
  return schema === null ? `\`${table}\`` : `\`${schema}\`.\`${table}\``;
}
