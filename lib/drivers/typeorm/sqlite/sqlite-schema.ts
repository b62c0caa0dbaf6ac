/**
 * The tables on SQLite. Times are milliseconds since 1970 by SQLite's clock, which is the
 * machine's; text is compared byte by byte (BINARY), as SQLite does unless told otherwise.
 */
import type { LockTables } from '../lock-tables.js';

export function createStatements(tables: LockTables): readonly string[] {
  return [
    // `previous` is what the holder was told, `ending` what the next one will be; both JSON.
    // The row of no name has the highest token of all names that were forgotten.
    `CREATE TABLE IF NOT EXISTS ${quoted(tables, tables.locks)} (
  name TEXT NOT NULL PRIMARY KEY,
  phase INTEGER NOT NULL,
  owner TEXT,
  since REAL NOT NULL,
  ends_at REAL NOT NULL,
  token INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  latest_token INTEGER,
  highest_token INTEGER NOT NULL,
  previous TEXT,
  ending TEXT,
  note TEXT,
  waiting INTEGER NOT NULL,
  used_at REAL NOT NULL
) WITHOUT ROWID`,
    `CREATE TABLE IF NOT EXISTS ${quoted(tables, tables.tickets)} (
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  place INTEGER NOT NULL,
  ends_at REAL NOT NULL,
  PRIMARY KEY (name, owner)
) WITHOUT ROWID`,
  ];
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
  resource TEXT NOT NULL PRIMARY KEY,
  token INTEGER NOT NULL
) WITHOUT ROWID`,
  ];
}

export function dropFenceStatements(tables: LockTables): readonly string[] {
  return [`DROP TABLE IF EXISTS ${quoted(tables, tables.fences)}`];
}

/** The characters are checked where the names come from (`lockTables`). */
export function quoted({ schema }: LockTables, table: string): string {
  return schema === null ? `"${table}"` : `"${schema}"."${table}"`;
}

/** SQLite's clock in milliseconds; constant within one statement. */
export const NOW = "(julianday('now') - 2440587.5) * 86400000.0";
