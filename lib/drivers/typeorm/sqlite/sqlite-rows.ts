/**
 * The state of a name as SQLite has it: one row, and one row per ticket. Reads it into the
 * `NameState` of `core/lock-steps.ts` and writes back what a step has changed, within the caller's
 * transaction.
 */
import type { Ending } from '../../../core/lease.js';
import type { RenewRequest } from '../../../core/lock-driver.js';
import { unknownName, type Hold, type NameState, type Ticket } from '../../../core/lock-steps.js';
import type { LockTables } from '../lock-tables.js';
import type { SqliteHandle, SqliteRow, SqliteStatement } from './sqlite-handle.js';
import { NOW, quoted } from './sqlite-schema.js';

/** A name as read, and the moment of the reading. */
export interface ReadName {
  readonly state: NameState;
  readonly now: number;
}

/** Free names keep a row for their ending and their token. */
const PHASES = ['free', 'claimed', 'held', 'resting'] as const;

/** A ticket that knows where it stands; one without a place was made by the step. */
interface PlacedTicket extends Ticket {
  readonly place?: number;
}

export class SqliteRows {
  readonly #unknown: SqliteStatement;
  readonly #readName: SqliteStatement;
  readonly #readLine: SqliteStatement;
  readonly #renew: SqliteStatement;
  readonly #writeName: SqliteStatement;
  readonly #writeTicket: SqliteStatement;
  readonly #dropTicket: SqliteStatement;

  constructor(handle: SqliteHandle, tables: LockTables) {
    const locks = quoted(tables, tables.locks);
    const tickets = quoted(tables, tables.tickets);
    this.#unknown = handle.prepare(
      `SELECT ${NOW} AS now, (SELECT highest_token FROM ${locks} WHERE name = '') AS floor`,
    );
    this.#readName = handle.prepare(`SELECT *, ${NOW} AS now FROM ${locks} WHERE name = ?`);
    this.#readLine = handle.prepare(
      `SELECT owner, place, ends_at FROM ${tickets} WHERE name = ? ORDER BY place`,
    );
    this.#renew = handle.prepare(
      `UPDATE ${locks} SET ends_at = min(${NOW} + ?3, since + ?4), used_at = ${NOW}, ` +
        'note = CASE WHEN ?5 THEN ?6 ELSE note END ' +
        `WHERE name = ?1 AND owner = ?2 AND phase = ${PHASES.indexOf('held')} AND ends_at > ${NOW}`,
    );
    this.#writeName = handle.prepare(
      `REPLACE INTO ${locks} (name, phase, owner, since, ends_at, token, tokens, latest_token, ` +
        'highest_token, previous, ending, note, waiting, used_at) ' +
        'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#writeTicket = handle.prepare(
      `REPLACE INTO ${tickets} (name, owner, place, ends_at) VALUES (?, ?, ?, ?)`,
    );
    this.#dropTicket = handle.prepare(`DELETE FROM ${tickets} WHERE name = ? AND owner = ?`);
  }

  read(name: string): ReadName {
    const row = this.#readName.get(name);
    if (row === undefined) {
      const { now, floor } = this.#unknown.get() ?? {};
      return { state: unknownName(Number(floor ?? 0)), now: Number(now) };
    }
    const line = Number(row.waiting) === 0 ? [] : this.#readLine.all(name).map(readTicket);
    return { state: readState(row, line), now: Number(row.now) };
  }

  /**
   * The `renew` of `core/lock-steps.ts` in one statement, because there may be thousands: what has
   * run out is left as it is.
   */
  renew({ name, owner, ttlMs, atMostMs, note }: RenewRequest): boolean {
    const longest = atMostMs ?? Number.MAX_SAFE_INTEGER;
    const writes = note === undefined ? 0 : 1;
    return this.#renew.run(name, owner, ttlMs, longest, writes, note ?? null).changes === 1;
  }

  write(name: string, before: NameState, after: NameState): void {
    if (after === before) return;
    if (after.line !== before.line) this.#writeLine(name, before.line, after.line);
    const { hold } = after;
    this.#writeName.run(
      name,
      hold === null ? 0 : PHASES.indexOf(hold.phase),
      hold?.owner ?? null,
      hold?.since ?? 0,
      hold?.endsAt ?? 0,
      hold?.token ?? 0,
      hold?.tokens ?? 0,
      after.latestToken,
      after.highestToken,
      json(hold?.previous ?? null),
      json(after.ending),
      hold?.note ?? null,
      after.line.length,
      after.usedAt,
    );
  }

  #writeLine(name: string, before: readonly PlacedTicket[], after: readonly PlacedTicket[]): void {
    const stood = new Map(before.map((ticket) => [ticket.owner, ticket]));
    let highest = before.at(-1)?.place ?? 0;
    let ahead = 0;
    for (const ticket of after) {
      const old = stood.get(ticket.owner);
      stood.delete(ticket.owner);
      // Who ran out and came again stands behind those who were behind it.
      const keeps = old?.place !== undefined && old.place > ahead;
      ahead = keeps ? old.place : ++highest;
      if (old !== ticket) this.#writeTicket.run(name, ticket.owner, ahead, ticket.endsAt);
    }
    for (const owner of stood.keys()) this.#dropTicket.run(name, owner);
  }
}

/** @param row all columns of a name. */
export function readState(row: SqliteRow, line: readonly Ticket[]): NameState {
  return {
    hold: readHold(row),
    line,
    highestToken: Number(row.highest_token),
    latestToken: row.latest_token === null ? null : Number(row.latest_token),
    ending: readJson(row.ending),
    usedAt: Number(row.used_at),
  };
}

export function readTicket(row: SqliteRow): PlacedTicket {
  return {
    owner: String(row.owner),
    place: Number(row.place),
    endsAt: Number(row.ends_at),
  };
}

function readHold(row: SqliteRow): Hold | null {
  const phase = PHASES[Number(row.phase)] ?? 'free';
  if (phase === 'free') return null;
  return {
    phase,
    owner: String(row.owner),
    since: Number(row.since),
    endsAt: Number(row.ends_at),
    token: Number(row.token),
    tokens: Number(row.tokens),
    previous: readJson(row.previous),
    note: row.note === null ? null : (row.note as string),
  };
}

function readJson(value: unknown): Ending | null {
  return typeof value === 'string' ? (JSON.parse(value) as Ending) : null;
}

function json(ending: Ending | null): string | null {
  return ending === null ? null : JSON.stringify(ending);
}
