/**
 * Many names in one statement, for the cases that need no look at the line: a free name is taken, a
 * held one refused, a lease prolonged, and given back where nobody waits. What these statements
 * leave as it was goes through `mysql-packet.ts`. Names are sorted, so that batches cannot
 * deadlock.
 */
import type { AcquireRequest, ReleaseRequest, RenewRequest } from '../../../core/lock-driver.js';
import { ENDING, writeError } from '../ending-columns.js';
import type { LockTables } from '../lock-tables.js';
import type { PreparedStatement } from './mysql-connections.js';
import { floorOf, quoted } from './mysql-schema.js';
import { BEGAN, bytes, bytesOrNull, int, microseconds, NEVER, NOW } from './mysql-text.js';

/** The columns of an answer; `now` is the moment that the batch was judged by. */
const COLUMNS = 'l.*, @now AS now';

const TAKEN_COLUMNS = '(name, phase, owner, since, ends_at, token, tokens, note, used_at)';

export class BatchWriter {
  readonly #locks: string;
  readonly #floor: string;
  /** What becomes of a row that is there: the new values, if it is to be had. */
  readonly #take: string;

  constructor(tables: LockTables) {
    this.#locks = quoted(tables, tables.locks);
    this.#floor = floorOf(this.#locks);
    this.#take = takeAssignments(this.#locks);
  }

  /**
   * Takes the names that are free, or run out, with nobody in the line, and those that were handed
   * to this very owner; then reads them all. Whose row has our owner and `since = now` was granted
   * by this packet.
   *
   * Two statements, each atomic for each row: one makes the names that are not there, the other
   * changes those that are, and leaves out what somebody else has locked.
   */
  acquire(requests: readonly AcquireRequest[]): readonly string[] {
    const asked = union(
      requests.map(({ name, owner, tokens, note, ...request }) => ({
        n: bytes(name),
        o: bytes(owner),
        d: microseconds(lengthMs(request)),
        t: int(tokens),
        x: bytesOrNull(note),
      })),
    );
    const row = 'b.n, 2, b.o, @now, @now + b.d, GREATEST(@now, @floor), b.t, b.x, @now';
    return [
      `SET @now = ${BEGAN}, @floor = ${this.#floor}`,
      `INSERT INTO ${this.#locks} ${TAKEN_COLUMNS} SELECT ${row} FROM ${asked} b WHERE NOT EXISTS ` +
        `(SELECT 1 FROM ${this.#locks} l WHERE l.name = b.n) ${this.#take}`,
      `INSERT INTO ${this.#locks} ${TAKEN_COLUMNS} SELECT ${row} FROM ${asked} b ` +
        `STRAIGHT_JOIN ${this.#locks} l ON l.name = b.n FOR UPDATE SKIP LOCKED ${this.#take}`,
      this.#read(requests),
    ];
  }

  /**
   * The same for one, in one prepared statement with the row in its answer: MariaDB alone has
   * `RETURNING`. Its clock is read before it may have waited for the row: that makes the new lease
   * shorter and a refusal more likely, never a lease longer or a grant too soon.
   */
  acquireOne(request: AcquireRequest): PreparedStatement {
    const { name, owner, tokens, note } = request;
    const token = `GREATEST(${BEGAN}, ${this.#floor})`;
    const row = `(?, 2, ?, ${BEGAN}, ${BEGAN} + ?, ${token}, ?, ?, ${BEGAN})`;
    const length = Math.round(lengthMs(request) * 1_000);
    return {
      sql: `INSERT INTO ${this.#locks} ${TAKEN_COLUMNS} VALUES ${row} ${this.#take} RETURNING *, ${BEGAN} AS now`,
      values: [Buffer.from(name), Buffer.from(owner), length, tokens, blob(note)],
    };
  }

  /**
   * Frees the names whose live holder is this owner, who has held them long enough and for whom
   * nobody waits; but none that somebody else has locked. The row of a freed one says so: `phase`
   * 0, `used_at` the moment of this step.
   */
  release(requests: readonly ReleaseRequest[]): readonly string[] {
    const asked = union(
      requests.map(({ name, owner, token, error, atLeastMs }) => ({
        n: bytes(name),
        o: bytes(owner),
        t: int(token),
        e: bytesOrNull(writeError(error)),
        a: microseconds(atLeastMs),
      })),
    );
    const columns = 'name, ending_how, ending_owner, ending_token, ending_error, used_at';
    return [
      'START TRANSACTION',
      `SET @now = ${BEGAN}`,
      `INSERT INTO ${this.#locks} (${columns}) ` +
        `SELECT b.n, IF(b.e IS NULL, ${ENDING.released}, ${ENDING.failed}), b.o, b.t, b.e, @now ` +
        `FROM ${asked} b STRAIGHT_JOIN ${this.#locks} l ON l.name = b.n ` +
        'WHERE l.owner = b.o AND l.phase = 2 AND l.waiting = 0 AND l.ends_at > @now ' +
        'AND l.since + b.a <= @now FOR UPDATE SKIP LOCKED ' +
        'ON DUPLICATE KEY UPDATE phase = 0, ends_at = 0, note = NULL, ' +
        columns
          .split(', ')
          .slice(1)
          .map((column) => `${column} = VALUES(${column})`)
          .join(', '),
      this.#read(requests),
      'COMMIT',
    ];
  }

  /** One, as `release` does many, prepared; it matches one row or none. */
  releaseOne({ name, owner, token, error, atLeastMs }: ReleaseRequest): PreparedStatement {
    const failed = writeError(error);
    return {
      sql:
        `UPDATE ${this.#locks} SET phase = 0, ends_at = 0, note = NULL, used_at = ${BEGAN}, ` +
        'ending_how = ?, ending_owner = owner, ending_token = ?, ending_error = ? ' +
        'WHERE name = ? AND owner = ? AND phase = 2 AND waiting = 0 ' +
        `AND ends_at > ${NOW} AND since + ? <= ${BEGAN}`,
      values: [
        ...[failed === null ? ENDING.released : ENDING.failed, token, blob(failed)],
        ...[Buffer.from(name), Buffer.from(owner), Math.round(atLeastMs * 1_000)],
      ],
    };
  }

  /**
   * Prolongs what is still its owner's and alive. Rows that somebody else has locked are left out,
   * so that one stopped transaction delays no other renewal, and the clock is never stale. The row
   * of a prolonged one says so: `used_at` is the moment of this step.
   */
  renew(requests: readonly RenewRequest[]): readonly string[] {
    const asked = union(
      requests.map(({ name, owner, ttlMs, atMostMs, note }) => ({
        n: bytes(name),
        o: bytes(owner),
        d: microseconds(ttlMs),
        m: atMostMs === null ? NEVER : microseconds(atMostMs),
        k: note === undefined ? '1' : '0',
        x: bytesOrNull(note ?? null),
      })),
    );
    return [
      'START TRANSACTION',
      `SET @now = ${BEGAN}`,
      `INSERT INTO ${this.#locks} (name, ends_at, note, used_at) ` +
        'SELECT l.name, LEAST(@now + b.d, l.since + b.m), IF(b.k = 1, l.note, b.x), @now ' +
        `FROM ${asked} b STRAIGHT_JOIN ${this.#locks} l ON l.name = b.n ` +
        'WHERE l.owner = b.o AND l.phase = 2 AND l.ends_at > @now FOR UPDATE SKIP LOCKED ' +
        'ON DUPLICATE KEY UPDATE ' +
        'ends_at = VALUES(ends_at), note = VALUES(note), used_at = VALUES(used_at)',
      this.#read(requests),
      'COMMIT',
    ];
  }

  #read(requests: readonly { readonly name: string }[]): string {
    const names = requests.map(({ name }) => bytes(name)).join(', ');
    return `SELECT ${COLUMNS} FROM ${this.#locks} l WHERE l.name IN (${names})`;
  }
}

/** @param l the table: a statement that selects from it, too, has every column twice. */
function takeAssignments(l: string): string {
  const free = `${l}.ends_at <= VALUES(since) AND ${l}.waiting = 0`;
  const ours = `${l}.phase = 1 AND ${l}.owner = VALUES(owner) AND ${l}.ends_at > VALUES(since)`;
  const taken = `(${free}) OR (${ours})`;
  const expired = `${free} AND ${l}.phase = 2`;
  // MySQL assigns from left to right: what decides is assigned last, after it has decided.
  const assignments = [
    `${l}.ending_how = IF(${expired}, ${ENDING.expired}, ${l}.ending_how)`,
    `${l}.ending_owner = IF(${expired}, ${l}.owner, ${l}.ending_owner)`,
    `${l}.ending_token = IF(${expired}, ${l}.token, ${l}.ending_token)`,
    `${l}.ending_error = IF(${expired}, NULL, ${l}.ending_error)`,
    `${l}.token = IF(${taken}, GREATEST(${l}.token + ${l}.tokens, VALUES(since)), ${l}.token)`,
    ...['tokens', 'since', 'note', 'used_at', 'owner', 'ends_at'].map(
      (column) => `${l}.${column} = IF(${taken}, VALUES(${column}), ${l}.${column})`,
    ),
    // Ours by now only if it was granted: a claim that has run out ends earlier than this lease.
    `${l}.phase = IF(${l}.owner = VALUES(owner) AND ${l}.ends_at = VALUES(ends_at), 2, ${l}.phase)`,
  ];
  return `ON DUPLICATE KEY UPDATE ${assignments.join(', ')}`;
}

function lengthMs({ ttlMs, atMostMs }: Pick<AcquireRequest, 'ttlMs' | 'atMostMs'>): number {
  return atMostMs === null ? ttlMs : Math.min(ttlMs, atMostMs);
}

function blob(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text);
}

/** A table of values that both MySQL and MariaDB understand; the first row names the columns. */
function union(rows: readonly Readonly<Record<string, string>>[]): string {
  const selects = rows.map((row, index) => {
    const values = Object.entries(row);
    return `SELECT ${values.map(([key, value]) => (index === 0 ? `${value} AS ${key}` : value)).join(', ')}`;
  });
  return `(${selects.join(' UNION ALL ')})`;
}
