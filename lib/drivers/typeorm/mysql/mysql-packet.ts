/**
 * The steps on one name as SQL: one packet of statements, which the server runs from its first to
 * its last without hearing of us in between. The name's row is locked first; only then is the clock
 * read, what is true judged, and one of the cases written. So a process that stops right after
 * sending leaves no lock behind, and no step sees a stale clock.
 *
 * The statements speak through session variables:
 * in  `@p @o @s @e @w`: phase, owner, since, ends_at, waiting as found; `@p` NULL: others lock it
 * now `@now`: microseconds
 * out `@do`: what was done; `@next`: who was handed the lease.
 * A statement that is not for the case at hand looks for the name NULL, and so touches nothing.
 */
import { LINE_TIMES, type AcquireRequest, type ReleaseRequest } from '../../../core/lock-driver.js';
import { ENDING, writeError } from '../ending-columns.js';
import type { LockTables } from '../lock-tables.js';
import { ringStatements } from './mysql-bell.js';
import { quoted } from './mysql-schema.js';
import { BEGAN, bytes, bytesOrNull, int, microseconds, NEVER } from './mysql-text.js';

const TICKET = microseconds(LINE_TIMES.ticketMs);
const CLAIM = microseconds(LINE_TIMES.claimMs);

export interface PacketOptions {
  readonly tables: LockTables;
  readonly bellOf: (owner: string) => string;
}

export interface PacketManner {
  /** Whether to wake who is handed the lease. */
  readonly rings: boolean;
  /** Whether to wait for a row that somebody else has locked, until the session's patience ends. */
  readonly waits: boolean;
}

/** Writes the statements of steps, for one pair of tables. */
export class PacketWriter {
  readonly #locks: string;
  readonly #tickets: string;
  readonly #bellOf: (owner: string) => string;

  constructor({ tables, bellOf }: PacketOptions) {
    this.#locks = quoted(tables, tables.locks);
    this.#tickets = quoted(tables, tables.tickets);
    this.#bellOf = bellOf;
  }

  acquire(request: AcquireRequest, { waits }: PacketManner): readonly string[] {
    return [
      'START TRANSACTION',
      ...this.#lock(bytes(request.name), waits),
      ...this.#take(request),
      this.#answer(request.name),
      'COMMIT',
    ];
  }

  release(request: ReleaseRequest, { rings, waits }: PacketManner): readonly string[] {
    const name = bytes(request.name);
    const owner = bytes(request.owner);
    const restEnd = `@s + ${microseconds(request.atLeastMs)}`;
    const ending =
      `ending_how = ${request.error === null ? ENDING.released : ENDING.failed}, ` +
      `ending_owner = ${owner}, ending_token = ${int(request.token)}, ` +
      `ending_error = ${bytesOrNull(writeError(request.error))}, `;
    const rest =
      `UPDATE ${this.#locks} SET phase = 3, ends_at = ${restEnd}, ${ending}used_at = @now ` +
      `WHERE name = IF(@do = 'rest', ${name}, NULL)`;
    return [
      'START TRANSACTION',
      ...this.#lock(name, waits),
      `SET @do = CASE WHEN @p IS NULL THEN 'busy' ` +
        `WHEN NOT (@p = 2 AND @e > @now AND @o = ${owner}) THEN 'none' ` +
        `WHEN ${restEnd} > @now THEN 'rest' ELSE 'hand' END`,
      ...this.#handOver(name, ending),
      ...(request.atLeastMs > 0 ? [rest] : []),
      ...(request.rejoin === null
        ? []
        : ['SET @gave = @do', ...this.#lock(name, false), ...this.#take(request.rejoin)]),
      this.#answer(request.name, request.rejoin === null ? '@do' : '@gave'),
      ...(rings ? RING : []),
      'COMMIT',
    ];
  }

  /** As if the grant had never been: what this holder was told (`ending_`) is left for the next. */
  leave(name: string, owner: string, { rings, waits }: PacketManner): readonly string[] {
    const [n, o] = [bytes(name), bytes(owner)];
    return [
      'START TRANSACTION',
      ...this.#lock(n, waits),
      `SET @do = CASE WHEN @p IS NULL THEN 'busy' ` +
        `WHEN @p IN (1, 2) AND @e > @now AND @o = ${o} THEN 'hand' ` +
        `WHEN @w > 0 THEN 'drop' ELSE 'none' END`,
      `DELETE FROM ${this.#tickets} WHERE name = IF(@w > 0, ${n}, NULL) ` +
        `AND (owner = ${o} OR ends_at <= @now)`,
      'SET @w = @w - ROW_COUNT()',
      ...this.#handOver(n),
      `UPDATE ${this.#locks} SET waiting = @w WHERE name = IF(@do = 'drop', ${n}, NULL)`,
      this.#answer(name),
      ...(rings ? RING : []),
      'COMMIT',
    ];
  }

  force(name: string, { rings, waits }: PacketManner): readonly string[] {
    const n = bytes(name);
    return [
      'START TRANSACTION',
      ...this.#lock(n, waits),
      `SET @do = CASE WHEN @p IS NULL THEN 'busy' ` +
        `WHEN @p > 0 AND @e > @now THEN 'hand' ELSE 'none' END`,
      `UPDATE ${this.#locks} SET ending_how = ${ENDING.forced}, ending_owner = owner, ` +
        'ending_token = token, ending_error = NULL ' +
        `WHERE name = IF(@do = 'hand', ${n}, NULL)`,
      ...this.#handOver(n),
      this.#answer(name),
      ...(rings ? RING : []),
      'COMMIT',
    ];
  }

  /** Locks the row, or finds it locked: all NULL, then. The clock is read when that is done. */
  #lock(name: string, waits: boolean): string[] {
    const found =
      'SELECT MAX(phase), MAX(owner), MAX(since), MAX(ends_at), COALESCE(MAX(waiting), 0) ' +
      `INTO @p, @o, @s, @e, @w FROM ${this.#locks} WHERE name = ${name} FOR UPDATE`;
    return [waits ? found : `${found} SKIP LOCKED`, `SET @now = ${BEGAN}`];
  }

  /** The `acquire` of the contract, within a transaction. */
  #take(request: AcquireRequest): string[] {
    const name = bytes(request.name);
    const owner = bytes(request.owner);
    const ttl = microseconds(request.ttlMs);
    const longest = request.atMostMs === null ? NEVER : microseconds(request.atMostMs);
    return [
      ...this.#place(name, owner),
      `SET @do = CASE WHEN @p IS NULL THEN 'busy' ` +
        `WHEN @p = 2 AND @e > @now AND @o = ${owner} THEN 'again' ` +
        `WHEN @p = 1 AND @e > @now AND @o = ${owner} THEN 'grant' ` +
        `WHEN (@p = 0 OR @e <= @now) AND @ahead = 0 THEN 'grant' ` +
        `ELSE '${request.line}' END`,
      `DELETE FROM ${this.#tickets} WHERE name = IF(@w > 0 AND @do IN ('grant', 'join'), ${name}, NULL) ` +
        `AND (ends_at <= @now OR (@do = 'grant' AND owner = ${owner}))`,
      'SET @gone = ROW_COUNT()',
      // The old values are all used before they are written: MySQL assigns from left to right.
      `UPDATE ${this.#locks} SET ending_how = IF(@p = 2, ${ENDING.expired}, ending_how), ` +
        'ending_owner = IF(@p = 2, owner, ending_owner), ' +
        'ending_token = IF(@p = 2, token, ending_token), ' +
        'ending_error = IF(@p = 2, NULL, ending_error), ' +
        `token = GREATEST(token + tokens, @now), tokens = ${int(request.tokens)}, ` +
        `phase = 2, owner = ${owner}, since = @now, ends_at = @now + LEAST(${ttl}, ${longest}), ` +
        `note = ${bytesOrNull(request.note)}, used_at = @now, waiting = @w - @gone ` +
        `WHERE name = IF(@do = 'grant', ${name}, NULL)`,
      `UPDATE ${this.#locks} SET ends_at = LEAST(@now + ${ttl}, since + ${longest}), ` +
        `note = ${bytesOrNull(request.note)}, used_at = @now ` +
        `WHERE name = IF(@do = 'again', ${name}, NULL)`,
      ...(request.line === 'join' ? this.#join(name, owner, this.#bellOf(request.owner)) : []),
    ];
  }

  /** `@mine`: our place, or NULL; `@ahead`; `@first`: when the first of them runs out. */
  #place(name: string, owner: string): string[] {
    const tickets = `FROM ${this.#tickets} WHERE name = ${name}`;
    return [
      `SET @mine = IF(@w = 0, NULL, ` +
        `(SELECT place ${tickets} AND owner = ${owner} AND ends_at > @now))`,
      `SELECT COUNT(*), MIN(ends_at) INTO @ahead, @first FROM ${this.#tickets} ` +
        `WHERE name = IF(@w = 0, NULL, ${name}) AND ends_at > @now ` +
        `AND place < COALESCE(@mine, ${NEVER})`,
    ];
  }

  #join(name: string, owner: string, bell: string): string[] {
    return [
      `INSERT INTO ${this.#tickets} (name, owner, place, ends_at, bell) ` +
        `SELECT ${name}, ${owner}, COALESCE(MAX(place), 0) + 1, @now + ${TICKET}, '${bell}' ` +
        `FROM ${this.#tickets} WHERE name = ${name} HAVING @do = 'join' ` +
        'ON DUPLICATE KEY UPDATE ends_at = VALUES(ends_at)',
      `UPDATE ${this.#locks} SET waiting = @w - @gone + IF(@mine IS NULL, 1, 0) ` +
        `WHERE name = IF(@do = 'join' AND (@mine IS NULL OR @gone > 0), ${name}, NULL)`,
    ];
  }

  /** When `@do` is `hand`: the lease goes to the first live ticket, or to nobody. */
  #handOver(name: string, ending = ''): string[] {
    const line = `name = IF(@do = 'hand' AND @w > 0, ${name}, NULL)`;
    return [
      'SET @next = NULL, @bell = NULL',
      `SELECT owner, bell INTO @next, @bell FROM ${this.#tickets} ` +
        `WHERE ${line} AND ends_at > @now ORDER BY place LIMIT 1`,
      `DELETE FROM ${this.#tickets} WHERE ${line} AND (ends_at <= @now OR owner = @next)`,
      'SET @gone = ROW_COUNT()',
      `UPDATE ${this.#locks} SET phase = IF(@next IS NULL, 0, 1), owner = @next, since = @now, ` +
        `ends_at = IF(@next IS NULL, 0, @now + ${CLAIM}), note = NULL, used_at = @now, ` +
        `${ending}waiting = IF(@next IS NULL, 0, @w - @gone) WHERE name = IF(@do = 'hand', ${name}, NULL)`,
    ];
  }

  /** What was done, and the row as it is now; no row: there is none. */
  #answer(name: string, gave = '@do'): string {
    return (
      `SELECT ${gave} AS gave, @do AS did, @now AS now, @ahead AS ahead, @first AS first, l.* ` +
      `FROM ${this.#locks} l WHERE l.name = ${bytes(name)}`
    );
  }
}

/**
 * Before the commit, so that a ring that fails (its session has just ended) undoes the step, which
 * is then done without a ring. Who wakes needs longer than the commit.
 */
const RING = ringStatements('@bell');
