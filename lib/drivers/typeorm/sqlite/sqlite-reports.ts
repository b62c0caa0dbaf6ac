/**
 * What can be seen of the names in an SQLite file, and the forgetting of those that nobody uses.
 */
import type { LockState } from '../../../core/lease.js';
import type { ListQuery } from '../../../core/lock-driver.js';
import { view } from '../../../core/lock-steps.js';
import { LONG_IDLE_MS } from '../janitor.js';
import type { LockTables } from '../lock-tables.js';
import type { SqliteHandle, SqliteStatement } from './sqlite-handle.js';
import { readState, readTicket } from './sqlite-rows.js';
import { NOW, quoted } from './sqlite-schema.js';

/** Tickets that just died are dropped by the next step of their name, as a rule. */
const DEAD_FOR_MS = 10_000;

export class SqliteReports {
  readonly #list: SqliteStatement;
  readonly #line: SqliteStatement;
  readonly #dead: SqliteStatement;
  readonly #page: SqliteStatement;
  readonly #forget: SqliteStatement;
  readonly #raiseFloor: SqliteStatement;
  /** Where the next round of the clean-up starts: it goes round the table, a little at a time. */
  #cursor = '';

  constructor(handle: SqliteHandle, tables: LockTables) {
    const locks = quoted(tables, tables.locks);
    const tickets = quoted(tables, tables.tickets);
    // The name as bytes as well: some bindings cut text at a NUL.
    this.#list = handle.prepare(
      `SELECT l.*, CAST(l.name AS BLOB) AS name_bytes, ${NOW} AS now FROM ${locks} l ` +
        'WHERE l.name >= ?1 AND substr(CAST(l.name AS BLOB), 1, length(CAST(?1 AS BLOB))) = CAST(?1 AS BLOB) ' +
        `AND ((l.phase <> 0 AND l.ends_at > ${NOW}) ` +
        `OR EXISTS (SELECT 1 FROM ${tickets} t WHERE t.name = l.name AND t.ends_at > ${NOW})) ` +
        'ORDER BY l.name LIMIT ?2',
    );
    this.#line = handle.prepare(
      `SELECT owner, place, ends_at FROM ${tickets} WHERE name = ? ORDER BY place`,
    );
    this.#dead = handle.prepare(
      `SELECT DISTINCT CAST(name AS BLOB) AS name_bytes FROM ${tickets} ` +
        `WHERE ends_at <= ${NOW} - ${DEAD_FOR_MS} LIMIT ?`,
    );
    this.#page = handle.prepare(
      `SELECT CAST(name AS BLOB) AS name_bytes FROM ${locks} WHERE name > ? ORDER BY name LIMIT ?`,
    );
    this.#forget = handle.prepare(
      `DELETE FROM ${locks} WHERE name > ?1 AND name <= ?2 AND waiting = 0 ` +
        // An ending that is more than a plain `released` has something to tell, and is kept longer.
        `AND max(used_at, ends_at) <= ${NOW} - CASE WHEN phase <> 2 ` +
        `AND (ending IS NULL OR ending LIKE '{"how":"released"%') THEN ?3 ELSE ?4 END ` +
        'RETURNING highest_token',
    );
    // Tokens never fall, even if the clock does: the row of no name has the highest forgotten one.
    this.#raiseFloor = handle.prepare(
      `INSERT INTO ${locks} (name, phase, since, ends_at, token, tokens, highest_token, waiting, ` +
        "used_at) VALUES ('', 0, 0, 0, 0, 0, ?, 0, 0) " +
        'ON CONFLICT (name) DO UPDATE SET highest_token = max(highest_token, excluded.highest_token)',
    );
  }

  /** Names with tickets of processes that are long gone, at most `limit`. */
  namesOfTheDead(limit: number): readonly string[] {
    return this.#dead.all(limit).map((row) => text(row.name_bytes));
  }

  /**
   * Forgets unused names among the next `limit` of the table; answers `limit` while there are more.
   */
  forget(idleMs: number, limit: number): number {
    const page = this.#page.all(this.#cursor, limit);
    const from = this.#cursor;
    const last = page.at(-1);
    if (last === undefined) {
      this.#cursor = '';
      return 0;
    }
    const to = text(last.name_bytes);
    this.#cursor = page.length < limit ? '' : to;
    const forgotten = this.#forget.all(from, to, idleMs, Math.max(idleMs, LONG_IDLE_MS));
    const tokens = forgotten.map((row) => Number(row.highest_token));
    if (tokens.length > 0) this.#raiseFloor.run(Math.max(...tokens));
    return page.length < limit ? 0 : limit;
  }

  list({ prefix, limit }: ListQuery): readonly LockState[] {
    return this.#list.all(prefix, limit).map((row) => {
      const name = text(row.name_bytes);
      return view(name, readState(row, this.#line.all(name).map(readTicket)), Number(row.now));
    });
  }
}

function text(bytes: unknown): string {
  return Buffer.from(bytes as Uint8Array).toString('utf8');
}
