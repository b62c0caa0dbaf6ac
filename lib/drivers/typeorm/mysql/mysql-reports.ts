/** What can be seen of names from outside, and the forgetting of those that nobody uses. */
import type { LockState } from '../../../core/lease.js';
import type { ListQuery } from '../../../core/lock-driver.js';
import type { LockTables } from '../lock-tables.js';
import { ENDING } from '../ending-columns.js';
import { LONG_IDLE_MS } from '../janitor.js';
import type { MysqlResult } from './mysql-connections.js';
import { readLockState, unknownState } from './mysql-rows.js';
import { floorOf, LOCK_COLUMNS, quoted } from './mysql-schema.js';
import { BEGAN, bytes, int, microseconds, text } from './mysql-text.js';

/** Tickets that just died are dropped by the next step of their name, as a rule. */
const DEAD_FOR_MS = 10_000;

export interface CleanUpTools {
  readonly run: (statements: readonly string[]) => Promise<readonly MysqlResult[]>;
  /** Drops the dead tickets of a name. */
  readonly dropDead: (name: string) => Promise<void>;
}

export class MysqlReports {
  readonly #locks: string;
  readonly #tickets: string;
  /** Where the next round of the clean-up starts: it goes round the table, a little at a time. */
  #cursor = '';

  constructor(tables: LockTables) {
    this.#locks = quoted(tables, tables.locks);
    this.#tickets = quoted(tables, tables.tickets);
  }

  /** Statements that fail where a table or a column is missing. */
  check(): readonly string[] {
    return [
      `SELECT ${LOCK_COLUMNS} FROM ${this.#locks} LIMIT 0`,
      `SELECT name, owner, place, ends_at, bell FROM ${this.#tickets} LIMIT 0`,
    ];
  }

  inspect(name: string): readonly string[] {
    return [`SET @now = ${BEGAN}`, this.#select(`l.name = ${bytes(name)}`)];
  }

  readInspect(name: string, rows: MysqlResult['rows']): LockState {
    return rows[0] === undefined ? unknownState(name) : readLockState(rows[0]);
  }

  list({ prefix, limit }: ListQuery): readonly string[] {
    const length = Buffer.byteLength(prefix);
    return [
      `SET @now = ${BEGAN}`,
      this.#select(
        `l.name >= ${bytes(prefix)} AND LEFT(l.name, ${length}) = ${bytes(prefix)} ` +
          'AND ((l.phase > 0 AND l.ends_at > @now) OR EXISTS (' +
          `SELECT 1 FROM ${this.#tickets} w WHERE w.name = l.name AND w.ends_at > @now)) ` +
          `ORDER BY l.name LIMIT ${int(limit)}`,
      ),
    ];
  }

  readList(rows: MysqlResult['rows']): readonly LockState[] {
    return rows.map(readLockState);
  }

  /** Goes once round the table, `limit` rows a call; answers `limit` while there is more to do. */
  async cleanUp(idleMs: number, limit: number, { run, dropDead }: CleanUpTools): Promise<number> {
    const [dead] = await run([
      `SELECT DISTINCT name FROM ${this.#tickets} ` +
        `WHERE ends_at <= ${BEGAN} - ${microseconds(DEAD_FOR_MS)} LIMIT ${int(limit)}`,
    ]);
    for (const row of dead?.rows ?? []) await dropDead(text(row.name));

    const from = bytes(this.#cursor);
    const [page] = await run([
      `SELECT name FROM ${this.#locks} WHERE name > ${from} ORDER BY name LIMIT ${int(limit)}`,
    ]);
    const names = (page?.rows ?? []).map((row) => row.name);
    const isLast = names.length < limit;
    this.#cursor = isLast ? '' : text(names.at(-1));
    if (names.length > 0) {
      // One after the other: whoever does not find a row any more finds the floor that it raised.
      for (const statement of this.#forget(from, bytes(text(names.at(-1))), idleMs)) {
        await run([statement]);
      }
    }
    return isLast ? 0 : limit;
  }

  /**
   * The first raises the floor of tokens, the second forgets what is not above it. An ending that
   * is more than a plain `released` has something to tell, and is kept for longer.
   */
  #forget(from: string, to: string, idleMs: number): readonly string[] {
    const idle = microseconds(idleMs);
    const long = microseconds(Math.max(idleMs, LONG_IDLE_MS));
    const unused =
      `name > ${from} AND name <= ${to} AND waiting = 0 ` +
      `AND GREATEST(used_at, ends_at) <= ${BEGAN} - ` +
      `IF(phase <> 2 AND COALESCE(ending_how, 0) = ${ENDING.released}, ${idle}, ${long})`;
    const highest = `SELECT MAX(token + tokens) AS token FROM ${this.#locks} WHERE ${unused}`;
    return [
      `INSERT INTO ${this.#locks} (name, token) ` +
        `SELECT x'', h.token FROM (${highest}) h WHERE h.token IS NOT NULL ` +
        `ON DUPLICATE KEY UPDATE ${this.#locks}.token = GREATEST(${this.#locks}.token, VALUES(token))`,
      `DELETE FROM ${this.#locks} WHERE ${unused} AND token + tokens <= ${floorOf(this.#locks)}`,
    ];
  }

  #select(condition: string): string {
    return (
      `SELECT l.*, @now AS now, (SELECT COUNT(*) FROM ${this.#tickets} t ` +
      `WHERE t.name = l.name AND t.ends_at > @now) AS line FROM ${this.#locks} l WHERE ${condition}`
    );
  }
}
