/**
 * The steps on one name as SQL: statements that the server runs from the first to the last without
 * hearing of us in between. The name's row is locked first; only then is the clock read, what is
 * true judged, and one of the cases written. So a process that stops right after sending leaves no
 * lock behind, and no step sees a stale clock.
 *
 * The statements speak through session variables:
 * in  `@name @owner @ttl …`: the request (`INPUTS`)
 *     `@p @o @s @e @w`: phase, owner, since, ends_at, waiting as found; `@p` NULL: others lock it
 * now `@now`: microseconds
 * out `@do`: what was done; `@next`: who was handed the lease, `@bell`: what wakes it.
 */
import { LINE_TIMES, type AcquireRequest, type ReleaseRequest } from '../../../core/lock-driver.js';
import { ENDING, writeError } from '../ending-columns.js';
import type { LockTables } from '../lock-tables.js';
import { LOCK_COLUMNS, quoted } from './mysql-schema.js';
import { Script, type InputValue, type Packet, type ServerForm } from './mysql-script.js';
import { BEGAN, microseconds, NEVER } from './mysql-text.js';

const TICKET = microseconds(LINE_TIMES.ticketMs);
const CLAIM = microseconds(LINE_TIMES.claimMs);

const ASKED = ['owner', 'ttl', 'longest', 'line', 'tokens', 'note', 'door'];
const INPUTS = {
  acquire: ['name', ...ASKED],
  release: ['name', 'rings', 'holder', 'how', 'last', 'error', 'least'],
  rejoin: ['name', 'rings', 'holder', 'how', 'last', 'error', 'least', ...ASKED],
  leave: ['name', 'rings', 'owner'],
  force: ['name', 'rings'],
} as const;

export interface PacketOptions {
  readonly tables: LockTables;
  readonly form: ServerForm;
  /** The user lock by which an owner's process is woken. */
  readonly bellOf: (owner: string) => string;
}

export interface PacketManner {
  /** Whether to wake who is handed the lease. */
  readonly rings: boolean;
  /** Whether to wait for a row that somebody else has locked, until the session's patience ends. */
  readonly waits: boolean;
}

/** Writes the packets of steps, for one pair of tables. */
export class PacketWriter {
  readonly #locks: string;
  readonly #tickets: string;
  readonly #form: ServerForm;
  readonly #bellOf: (owner: string) => string;
  readonly #patient: Scripts;
  readonly #hasty: Scripts;

  constructor({ tables, form, bellOf }: PacketOptions) {
    this.#locks = quoted(tables, tables.locks);
    this.#tickets = quoted(tables, tables.tickets);
    this.#form = form;
    this.#bellOf = bellOf;
    this.#patient = this.#scripts(true);
    this.#hasty = this.#scripts(false);
  }

  acquire(request: AcquireRequest, { waits }: PacketManner): Packet {
    const values = [Buffer.from(request.name), ...this.#asked(request)];
    return { script: this.#for(waits).acquire, values };
  }

  release(request: ReleaseRequest, { rings, waits }: PacketManner): Packet {
    const { name, owner, token, error, atLeastMs, rejoin } = request;
    const values = [
      ...[Buffer.from(name), Number(rings), Buffer.from(owner)],
      ...[error === null ? ENDING.released : ENDING.failed, token, blob(writeError(error))],
      Math.round(atLeastMs * 1_000),
    ];
    const { release, rejoin: both } = this.#for(waits);
    if (rejoin === null) return { script: release, values };
    return { script: both, values: [...values, ...this.#asked(rejoin)] };
  }

  leave(name: string, owner: string, { rings, waits }: PacketManner): Packet {
    const values = [Buffer.from(name), Number(rings), Buffer.from(owner)];
    return { script: this.#for(waits).leave, values };
  }

  force(name: string, { rings, waits }: PacketManner): Packet {
    return { script: this.#for(waits).force, values: [Buffer.from(name), Number(rings)] };
  }

  #for(waits: boolean): Scripts {
    return waits ? this.#patient : this.#hasty;
  }

  #asked({ owner, ttlMs, atMostMs, line, tokens, note }: AcquireRequest): InputValue[] {
    const longest = atMostMs === null ? Number(NEVER) : Math.round(atMostMs * 1_000);
    return [
      ...[Buffer.from(owner), Math.round(ttlMs * 1_000), longest, Buffer.from(line), tokens],
      ...[blob(note), Buffer.from(this.#bellOf(owner))],
    ];
  }

  #scripts(waits: boolean): Scripts {
    const lock = this.#lock(waits);
    const script = (inputs: readonly string[], statements: readonly string[]): Script =>
      new Script(inputs, ['START TRANSACTION', ...lock, ...statements, 'COMMIT']);
    const release = this.#release();
    const taken = [...this.#lock(false), ...this.#take()];
    return {
      acquire: script(INPUTS.acquire, [...this.#take(), this.#answer('@do')]),
      release: script(INPUTS.release, [...release, this.#answer('@do'), ...this.#ring()]),
      rejoin: script(INPUTS.rejoin, [
        ...[...release, 'SET @gave = @do', ...taken],
        ...[this.#answer('@gave'), ...this.#ring()],
      ]),
      leave: script(INPUTS.leave, [...this.#leave(), this.#answer('@do'), ...this.#ring()]),
      force: script(INPUTS.force, [...this.#force(), this.#answer('@do'), ...this.#ring()]),
    };
  }

  /** Locks the row, or finds it locked: all NULL, then. The clock is read when that is done. */
  #lock(waits: boolean): readonly string[] {
    const found =
      'SELECT MAX(phase), MAX(owner), MAX(since), MAX(ends_at), COALESCE(MAX(waiting), 0) ' +
      `INTO @p, @o, @s, @e, @w FROM ${this.#locks} WHERE name = @name FOR UPDATE`;
    return [waits ? found : `${found} SKIP LOCKED`, `SET @now = ${BEGAN}`];
  }

  /** The `acquire` of the contract. */
  #take(): readonly string[] {
    const { when } = this.#form;
    return [
      ...this.#place(),
      `SET @gone = 0, @do = CASE WHEN @p IS NULL THEN 'busy' ` +
        `WHEN @p = 2 AND @e > @now AND @o = @owner THEN 'again' ` +
        `WHEN @p = 1 AND @e > @now AND @o = @owner THEN 'grant' ` +
        `WHEN (@p = 0 OR @e <= @now) AND @ahead = 0 THEN 'grant' ELSE @line END`,
      ...when(`@w > 0 AND @do IN ('grant', 'join')`, (name) => [
        `DELETE FROM ${this.#tickets} WHERE name = ${name} ` +
          `AND (ends_at <= @now OR (@do = 'grant' AND owner = @owner))`,
        'SET @gone = ROW_COUNT()',
      ]),
      ...when(`@do = 'grant'`, (name) => [
        // The old values are all used before they are written: MySQL assigns from left to right.
        `UPDATE ${this.#locks} SET ending_how = IF(@p = 2, ${ENDING.expired}, ending_how), ` +
          'ending_owner = IF(@p = 2, owner, ending_owner), ' +
          'ending_token = IF(@p = 2, token, ending_token), ' +
          'ending_error = IF(@p = 2, NULL, ending_error), ' +
          'token = GREATEST(token + tokens, @now), tokens = @tokens, ' +
          'phase = 2, owner = @owner, since = @now, ends_at = @now + LEAST(@ttl, @longest), ' +
          `note = @note, used_at = @now, waiting = @w - @gone WHERE name = ${name}`,
      ]),
      ...when(`@do = 'again'`, (name) => [
        `UPDATE ${this.#locks} SET ends_at = LEAST(@now + @ttl, since + @longest), ` +
          `note = @note, used_at = @now WHERE name = ${name}`,
      ]),
      ...when(`@do = 'join'`, (name) => [
        `INSERT INTO ${this.#tickets} (name, owner, place, ends_at, bell) ` +
          `SELECT @name, @owner, COALESCE(MAX(place), 0) + 1, @now + ${TICKET}, @door ` +
          `FROM ${this.#tickets} WHERE name = @name HAVING ${name} IS NOT NULL ` +
          'ON DUPLICATE KEY UPDATE ends_at = VALUES(ends_at)',
        `UPDATE ${this.#locks} SET waiting = @w - @gone + IF(@mine IS NULL, 1, 0) ` +
          `WHERE name = ${name} AND (@mine IS NULL OR @gone > 0)`,
      ]),
    ];
  }

  /** `@mine`: our place, or NULL; `@ahead`; `@first`: when the first of them runs out. */
  #place(): readonly string[] {
    return [
      'SET @mine = NULL, @ahead = 0, @first = NULL',
      ...this.#form.when('@w > 0', (name) => {
        const alive = `FROM ${this.#tickets} WHERE name = ${name} AND ends_at > @now`;
        return [
          `SELECT MAX(place) INTO @mine ${alive} AND owner = @owner`,
          'SELECT COUNT(*), MIN(ends_at) INTO @ahead, @first ' +
            `${alive} AND place < COALESCE(@mine, ${NEVER})`,
        ];
      }),
    ];
  }

  #release(): readonly string[] {
    const ending =
      'ending_how = @how, ending_owner = @holder, ending_token = @last, ending_error = @error, ';
    return [
      `SET @do = CASE WHEN @p IS NULL THEN 'busy' ` +
        `WHEN NOT (@p = 2 AND @e > @now AND @o = @holder) THEN 'none' ` +
        `WHEN @s + @least > @now THEN 'rest' ELSE 'hand' END`,
      ...this.#handOver(ending),
      ...this.#form.when(`@do = 'rest'`, (name) => [
        `UPDATE ${this.#locks} SET phase = 3, ends_at = @s + @least, ${ending}used_at = @now ` +
          `WHERE name = ${name}`,
      ]),
    ];
  }

  /** As if the grant had never been: what this holder was told (`ending_`) is left for the next. */
  #leave(): readonly string[] {
    const { when } = this.#form;
    return [
      `SET @do = CASE WHEN @p IS NULL THEN 'busy' ` +
        `WHEN @p IN (1, 2) AND @e > @now AND @o = @owner THEN 'hand' ` +
        `WHEN @w > 0 THEN 'drop' ELSE 'none' END`,
      ...when('@w > 0', (name) => [
        `DELETE FROM ${this.#tickets} WHERE name = ${name} ` +
          'AND (owner = @owner OR ends_at <= @now)',
        'SET @w = @w - ROW_COUNT()',
      ]),
      ...this.#handOver(),
      ...when(`@do = 'drop'`, (name) => [
        `UPDATE ${this.#locks} SET waiting = @w WHERE name = ${name}`,
      ]),
    ];
  }

  #force(): readonly string[] {
    return [
      `SET @do = CASE WHEN @p IS NULL THEN 'busy' ` +
        `WHEN @p > 0 AND @e > @now THEN 'hand' ELSE 'none' END`,
      ...this.#form.when(`@do = 'hand'`, (name) => [
        `UPDATE ${this.#locks} SET ending_how = ${ENDING.forced}, ending_owner = owner, ` +
          `ending_token = token, ending_error = NULL WHERE name = ${name}`,
      ]),
      ...this.#handOver(),
    ];
  }

  /** When `@do` is `hand`: the lease goes to the first live ticket, or to nobody. */
  #handOver(ending = ''): readonly string[] {
    const { when } = this.#form;
    return [
      'SET @next = NULL, @bell = NULL, @gone = 0',
      ...when(`@do = 'hand' AND @w > 0`, (name) => [
        `SELECT owner, bell INTO @next, @bell FROM ${this.#tickets} ` +
          `WHERE name = ${name} AND ends_at > @now ORDER BY place LIMIT 1`,
        `DELETE FROM ${this.#tickets} WHERE name = ${name} ` +
          'AND (ends_at <= @now OR owner = @next)',
        'SET @gone = ROW_COUNT()',
      ]),
      ...when(`@do = 'hand'`, (name) => [
        `UPDATE ${this.#locks} SET phase = IF(@next IS NULL, 0, 1), owner = @next, since = @now, ` +
          `ends_at = IF(@next IS NULL, 0, @now + ${CLAIM}), note = NULL, used_at = @now, ` +
          `${ending}waiting = IF(@next IS NULL, 0, @w - @gone) WHERE name = ${name}`,
      ]),
    ];
  }

  /**
   * Before the commit, so that a ring that fails (its session has just ended) undoes the step,
   * which is then done without a ring. Who wakes needs longer than the commit.
   */
  #ring(): readonly string[] {
    return ['SET @bell = IF(@rings, @bell, NULL)', ...this.#form.ring];
  }

  /** What was done, and the row as it is now; no row: there is none. */
  #answer(gave: string): string {
    return (
      `SELECT ${gave} AS gave, @do AS did, @now AS now, @ahead AS ahead, @first AS first, ` +
      `${LOCK_COLUMNS} FROM ${this.#locks} WHERE name = @name`
    );
  }
}

/** One of each kind of step. */
type Scripts = Readonly<Record<keyof typeof INPUTS, Script>>;

function blob(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text);
}
