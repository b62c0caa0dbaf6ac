/**
 * The steps on one name as SQL: one packet of statements, which the server runs from its first to
 * its last without hearing of us in between. The name's row is locked first, without waiting (`SKIP
 * LOCKED`); only then is the clock read, what is true judged, and one of the cases written. So a
 * process that stops right after sending leaves no lock behind, and no step sees a stale clock.
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

  acquire(request: AcquireRequest): readonly string[] {
    return ['START TRANSACTION', ...this.#take(request), this.#answer(request.name), 'COMMIT'];
  }

  /** @param ring whether to wake who is handed the lease; see `RING`. */
  release(request: ReleaseRequest, ring: boolean): readonly string[] {
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
      this.#lock(name),
      `SET @do = CASE WHEN @p IS NULL THEN 'busy' ` +
        `WHEN NOT (@p = 2 AND @e > @now AND @o = ${owner}) THEN 'none' ` +
        `WHEN ${restEnd} > @now THEN 'rest' ELSE 'hand' END`,
      ...this.#handOver(name, ending),
      ...(request.atLeastMs > 0 ? [rest] : []),
      ...(request.rejoin === null ? [] : ['SET @gave = @do', ...this.#take(request.rejoin)]),
      this.#answer(request.name, request.rejoin === null ? '@do' : '@gave'),
      ...(ring ? RING : []),
      'COMMIT',
    ];
  }

  /** As if the grant had never been: what this holder was told (`ending_`) is left for the next. */
  leave(name: string, owner: string, ring: boolean): readonly string[] {
    const [n, o] = [bytes(name), bytes(owner)];
    return [
      'START TRANSACTION',
      this.#lock(n),
      `SET @do = CASE WHEN @p IS NULL THEN 'busy' ` +
        `WHEN @p IN (1, 2) AND @e > @now AND @o = ${o} THEN 'hand' ` +
        `WHEN @w > 0 THEN 'drop' ELSE 'none' END`,
      `DELETE FROM ${this.#tickets} WHERE name = IF(@w > 0, ${n}, NULL) ` +
        `AND (owner = ${o} OR ends_at <= @now)`,
      ...this.#handOver(n),
      this.#count(n, "@do = 'drop'"),
      this.#answer(name),
      ...(ring ? RING : []),
      'COMMIT',
    ];
  }

  force(name: string, ring: boolean): readonly string[] {
    const n = bytes(name);
    return [
      'START TRANSACTION',
      this.#lock(n),
      `SET @do = CASE WHEN @p IS NULL THEN 'busy' ` +
        `WHEN @p > 0 AND @e > @now THEN 'hand' ELSE 'none' END`,
      `UPDATE ${this.#locks} SET ending_how = ${ENDING.forced}, ending_owner = owner, ` +
        'ending_token = token, ending_error = NULL ' +
        `WHERE name = IF(@do = 'hand', ${n}, NULL)`,
      ...this.#handOver(n),
      this.#answer(name),
      ...(ring ? RING : []),
      'COMMIT',
    ];
  }

  /**
   * Locks the row or finds it locked, without waiting, so that the clock is read after the lock.
   */
  #lock(name: string): string {
    return (
      'SELECT MAX(phase), MAX(owner), MAX(since), MAX(ends_at), COALESCE(MAX(waiting), 0), ' +
      `${BEGAN} INTO @p, @o, @s, @e, @w, @now ` +
      `FROM ${this.#locks} WHERE name = ${name} FOR UPDATE SKIP LOCKED`
    );
  }

  /** The `acquire` of the contract, within a transaction. */
  #take(request: AcquireRequest): string[] {
    const name = bytes(request.name);
    const owner = bytes(request.owner);
    const ttl = microseconds(request.ttlMs);
    const longest = request.atMostMs === null ? NEVER : microseconds(request.atMostMs);
    return [
      this.#lock(name),
      this.#place(name, owner),
      `SET @do = CASE WHEN @p IS NULL THEN 'busy' ` +
        `WHEN @p = 2 AND @e > @now AND @o = ${owner} THEN 'again' ` +
        `WHEN @p = 1 AND @e > @now AND @o = ${owner} THEN 'grant' ` +
        `WHEN (@p = 0 OR @e <= @now) AND @ahead = 0 THEN 'grant' ` +
        `ELSE '${request.line}' END`,
      `DELETE FROM ${this.#tickets} WHERE name = IF(@w > 0 AND @do IN ('grant', 'join'), ${name}, NULL) ` +
        `AND (ends_at <= @now OR (@do = 'grant' AND owner = ${owner}))`,
      // The old values are all used before they are written: MySQL assigns from left to right.
      `UPDATE ${this.#locks} SET ending_how = IF(@p = 2, ${ENDING.expired}, ending_how), ` +
        'ending_owner = IF(@p = 2, owner, ending_owner), ' +
        'ending_token = IF(@p = 2, token, ending_token), ' +
        'ending_error = IF(@p = 2, NULL, ending_error), ' +
        `token = GREATEST(token + tokens, @now), tokens = ${int(request.tokens)}, ` +
        `phase = 2, owner = ${owner}, since = @now, ends_at = @now + LEAST(${ttl}, ${longest}), ` +
        `note = ${bytesOrNull(request.note)}, used_at = @now, waiting = ${this.#counted(name)} ` +
        `WHERE name = IF(@do = 'grant', ${name}, NULL)`,
      `UPDATE ${this.#locks} SET ends_at = LEAST(@now + ${ttl}, since + ${longest}), ` +
        `note = ${bytesOrNull(request.note)}, used_at = @now ` +
        `WHERE name = IF(@do = 'again', ${name}, NULL)`,
      ...(request.line === 'join' ? this.#join(name, owner, this.#bellOf(request.owner)) : []),
    ];
  }

  /**
   * `@mine`: our place, NULL if we do not stand in the line; `@ahead`; `@first`: when the first
   * dies.
   */
  #place(name: string, owner: string): string {
    const line = `FROM ${this.#tickets} t WHERE t.name = ${name} AND t.ends_at > @now`;
    return (
      `SELECT m.place, (SELECT COUNT(*) ${line} AND t.place < COALESCE(m.place, ${NEVER})), ` +
      `(SELECT t.ends_at ${line} ORDER BY t.place LIMIT 1) INTO @mine, @ahead, @first ` +
      `FROM (SELECT 1 AS one) x LEFT JOIN ${this.#tickets} m ` +
      `ON m.name = IF(@w > 0, ${name}, NULL) AND m.owner = ${owner} AND m.ends_at > @now`
    );
  }

  #join(name: string, owner: string, bell: string): string[] {
    return [
      `INSERT INTO ${this.#tickets} (name, owner, place, ends_at, bell) ` +
        `SELECT ${name}, ${owner}, COALESCE(MAX(place), 0) + 1, @now + ${TICKET}, '${bell}' ` +
        `FROM ${this.#tickets} WHERE name = ${name} HAVING @do = 'join' ` +
        'ON DUPLICATE KEY UPDATE ends_at = VALUES(ends_at)',
      this.#count(name, "@do = 'join'"),
    ];
  }

  /** When `@do` is `hand`: the lease goes to the first live ticket, or to nobody. */
  #handOver(name: string, ending = ''): string[] {
    const line = `name = IF(@do = 'hand' AND @w > 0, ${name}, NULL)`;
    return [
      `SELECT t.owner, t.bell INTO @next, @bell FROM (SELECT 1 AS one) x LEFT JOIN (SELECT * ` +
        `FROM ${this.#tickets} WHERE ${line} AND ends_at > @now ORDER BY place LIMIT 1) t ON TRUE`,
      `DELETE FROM ${this.#tickets} WHERE ${line} AND (ends_at <= @now OR owner = @next)`,
      `UPDATE ${this.#locks} SET phase = IF(@next IS NULL, 0, 1), owner = @next, since = @now, ` +
        `ends_at = IF(@next IS NULL, 0, @now + ${CLAIM}), note = NULL, used_at = @now, ` +
        `${ending}waiting = ${this.#counted(name)} WHERE name = IF(@do = 'hand', ${name}, NULL)`,
    ];
  }

  #count(name: string, condition: string): string {
    return (
      `UPDATE ${this.#locks} SET waiting = (SELECT COUNT(*) FROM ${this.#tickets} t ` +
      `WHERE t.name = ${name}) WHERE name = IF(${condition}, ${name}, NULL)`
    );
  }

  #counted(name: string): string {
    return `IF(@w = 0, 0, (SELECT COUNT(*) FROM ${this.#tickets} t WHERE t.name = ${name}))`;
  }

  /** Also tells a row that is locked by others from one that is not there: `name` is NULL then. */
  #answer(name: string, gave = '@do'): string {
    return (
      `SELECT ${gave} AS gave, @do AS did, @now AS now, @ahead AS ahead, @first AS first, ` +
      `@next AS next, l.* FROM (SELECT 1 AS one) x ` +
      `LEFT JOIN ${this.#locks} l ON l.name = ${bytes(name)}`
    );
  }
}

/**
 * Before the commit, so that a ring that fails (its session has just ended) undoes the step, which
 * is then done without a ring. Who wakes needs longer than the commit.
 */
const RING = ringStatements('@bell');
