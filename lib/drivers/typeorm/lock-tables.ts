/**
 * The names of the tables: one row per name, one row per ticket in a line, and, for `assertFresh`,
 * one row per guarded resource. What is in them is each dialect's matter.
 */
import { LockOptionsError } from '../../core/lock-errors.js';

/** Unquoted names; `schema` is `null` for the connection's own. */
export interface LockTables {
  readonly schema: string | null;
  /** One row per name: its hold, how the last one ended, its highest token. */
  readonly locks: string;
  /** The lines: one row per process that waits for a name. */
  readonly tickets: string;
  /** The newest token seen per resource, for `assertFresh`. */
  readonly fences: string;
}

export const DEFAULT_TABLE = 'distributed_lock';

/** Short enough that `_ticket` and an index's suffix fit into the 63 bytes of PostgreSQL. */
const TABLE = /^(?:([A-Za-z_][A-Za-z0-9_$]{0,62})\.)?([A-Za-z_][A-Za-z0-9_$]{0,39})$/;

/**
 * @param table `name` or `schema.name`; plain characters only, because it goes into the SQL text.
 * @param schema that of the data source's options, for a table without one.
 */
export function lockTables(
  table: string = DEFAULT_TABLE,
  schema: string | null = null,
): LockTables {
  const match = typeof table === 'string' ? TABLE.exec(table) : null;
  const name = match?.[2];
  if (name === undefined) {
    throw new LockOptionsError(
      'table',
      table,
      'a table name of letters, digits, _ and $ (at most 40), with or without "schema." before it',
    );
  }
  return {
    schema: match?.[1] ?? schema,
    locks: name,
    tickets: `${name}_ticket`,
    fences: `${name}_fence`,
  };
}
