/**
 * Locks in an SQLite file. SQLite runs inside this process and its API is synchronous, so a run is
 * one short transaction, begun and committed without giving the event loop up: take the file's one
 * write lock, read, let `core/lock-steps.ts` decide, write, commit. Nothing waits inside SQLite: a
 * busy file is tried again by the shell, in JavaScript.
 */
import type { LockState } from '../../../core/lease.js';
import {
  LINE_TIMES,
  type AcquireAnswer,
  type AcquireRequest,
  type ListQuery,
  type Refused,
  type ReleaseAnswer,
  type ReleaseRequest,
  type WatchAnswer,
} from '../../../core/lock-driver.js';
import {
  acquire,
  forceRelease,
  leave,
  release,
  renew,
  settle,
  view,
  type Moment,
  type NameState,
  type Step,
} from '../../../core/lock-steps.js';
import { watchAgainInMs } from '../retry-in.js';
import type { SqlAnswer, SqlConnection, SqlStep, SqlStore } from '../sql-dialect.js';
import { pacedRetryInMs } from './sqlite-pace.js';
import {
  atOnce,
  retried,
  borrowHandle,
  isBusy,
  isInMemory,
  OpenTransactionError,
  openOwnHandle,
  type OpenedHandle,
  type SqliteHandle,
} from './sqlite-handle.js';
import { SqliteReports } from './sqlite-reports.js';
import { SqliteRows, type ReadName } from './sqlite-rows.js';
import { createStatements } from './sqlite-schema.js';

/**
 * A name that this process was refused is looked at before the write lock is asked for; so many.
 */
const REMEMBERED_REFUSALS = 1_000;

export class SqliteStore implements SqlStore {
  /** A run is synchronous. */
  readonly lanes = 1;
  readonly #connection: SqlConnection;
  #opened: OpenedHandle | null = null;
  #prepared: Prepared | null = null;
  readonly #refused = new Set<string>();

  constructor(connection: SqlConnection) {
    this.#connection = connection;
  }

  async open(): Promise<void> {
    if (this.#opened !== null) return;
    const { dataSource, connection } = this.#connection;
    const inMemory = isInMemory(dataSource);
    if (inMemory) warnOfMemory();
    if (connection === 'shared' || inMemory) {
      this.#opened = await borrowHandle(dataSource);
      return;
    }
    this.#opened = await openOwnHandle(dataSource);
    // Readers and the writer do not stop each other then. It stays with the file. Needs the file
    // for itself for a moment; where that cannot be had now, everything works as well, only slower.
    await retried(() => this.#handle.exec('PRAGMA journal_mode = WAL')).catch((error: unknown) => {
      if (!isBusy(error)) throw error;
    });
  }

  async createTables(): Promise<void> {
    const statements = createStatements(this.#connection.tables);
    await retried(() => {
      this.#transaction(() => {
        for (const statement of statements) this.#handle.exec(statement);
      });
    });
  }

  async checkTables(): Promise<void> {
    await retried(() => this.#read(''));
  }

  run(steps: readonly SqlStep[]): Promise<readonly SqlAnswer[]> {
    return atOnce(() => {
      const looked = steps.map((step) => this.#look(step));
      if (looked.every((answer) => answer !== null)) return looked;
      return this.#unlessBusy(
        () => this.#transaction(() => steps.map((step, at) => looked[at] ?? this.#apply(step))),
        () => steps.map((_, at) => looked[at] ?? 'busy'),
      );
    });
  }

  inspect(name: string): Promise<LockState> {
    return retried(() => {
      const { state, now } = this.#read(name);
      return view(name, state, now);
    });
  }

  list(query: ListQuery): Promise<readonly LockState[]> {
    return retried(() => this.#snapshot(() => this.#ready.reports.list(query)));
  }

  async watch(name: string): Promise<WatchAnswer> {
    const state = await this.inspect(name);
    return { state, retryInMs: watchAgainInMs(state, false) };
  }

  cleanUp(idleMs: number, limit: number): Promise<number> {
    return atOnce(() =>
      this.#transaction(() => {
        const { rows, reports } = this.#ready;
        for (const name of reports.namesOfTheDead(limit)) {
          const { state, now } = rows.read(name);
          rows.write(name, state, settle(state, now));
        }
        return reports.forget(idleMs, limit);
      }),
    );
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    this.#prepared = null;
    await opened?.close();
  }

  /**
   * Answers what needs no write, without asking for the write lock: another look of who stands in
   * the line already, or of who was refused just now. `null`: it takes a transaction.
   */
  #look(step: SqlStep): SqlAnswer | null {
    if (step.kind !== 'acquire' || !this.#refused.has(step.request.name)) return null;
    const { request } = step;
    const { state, now } = this.#read(request.name);
    if (request.line === 'join' && !standsFirmly(state, request.owner, now)) return null;
    const [, answer] = acquire(state, { ...request, line: 'none' }, momentAt(now));
    return answer.granted ? null : paced(answer, state, now);
  }

  #apply(step: SqlStep): SqlAnswer {
    const { request } = step;
    switch (step.kind) {
      case 'acquire':
        return this.#acquire(step.request);
      case 'renew':
        return this.#change(request.name, (before, moment) => renew(before, step.request, moment));
      case 'release':
        return this.#release(step.request);
      case 'leave':
        return this.#change<SqlAnswer>(request.name, (before, moment) =>
          leave(before, step.request.owner, moment),
        );
      case 'force':
        return this.#change(request.name, forceRelease);
    }
  }

  #acquire(request: AcquireRequest): AcquireAnswer {
    return this.#change(request.name, (before, moment) => {
      const [after, answer] = acquire(before, request, moment);
      return [after, this.#refusal(request.name, answer, after, moment.now)];
    });
  }

  #release(request: ReleaseRequest): ReleaseAnswer {
    return this.#change<ReleaseAnswer>(request.name, (before, moment) => {
      const [after, { released, rejoined }] = release(before, request, moment);
      if (rejoined === null) return [after, { released, rejoined }];
      return [
        after,
        { released, rejoined: this.#refusal(request.name, rejoined, after, moment.now) },
      ];
    });
  }

  /** Remembers who was refused, and tells it when to look again. */
  #refusal(name: string, answer: AcquireAnswer, state: NameState, now: number): AcquireAnswer {
    if (answer.granted) {
      this.#refused.delete(name);
      return answer;
    }
    if (this.#refused.size >= REMEMBERED_REFUSALS) this.#refused.clear();
    this.#refused.add(name);
    return paced(answer, state, now);
  }

  #change<Answer>(name: string, step: (before: NameState, moment: Moment) => Step<Answer>): Answer {
    const { rows } = this.#ready;
    const { state, now } = rows.read(name);
    const [after, answer] = step(state, momentAt(now));
    rows.write(name, state, after);
    return answer;
  }

  #read(name: string): ReadName {
    return this.#snapshot(() => this.#ready.rows.read(name));
  }

  /** Row and line of one moment. */
  #snapshot<T>(work: () => T): T {
    return this.#within('BEGIN', work);
  }

  #transaction<T>(work: () => T): T {
    return this.#within('BEGIN IMMEDIATE', work);
  }

  #within<T>(begin: string, work: () => T): T {
    const handle = this.#handle;
    // Only on a borrowed handle: our steps would be part of it, and be rolled back with it.
    if (isOpen(handle)) throw new OpenTransactionError();
    handle.exec(begin);
    try {
      const result = work();
      handle.exec('COMMIT');
      return result;
    } catch (error) {
      // Some errors have rolled back already.
      if (isOpen(handle)) handle.exec('ROLLBACK');
      throw error;
    }
  }

  /** Somebody else writes: for a few dozen microseconds, as a rule. The shell asks again. */
  #unlessBusy<T>(work: () => T, busy: () => T): T {
    try {
      return work();
    } catch (error) {
      if (isBusy(error)) return busy();
      throw error;
    }
  }

  get #handle(): SqliteHandle {
    if (this.#opened === null) throw new Error('the driver is closed');
    return this.#opened.handle;
  }

  /** Statements can only be prepared when the tables are there. */
  get #ready(): Prepared {
    const { tables } = this.#connection;
    this.#prepared ??= {
      rows: new SqliteRows(this.#handle, tables),
      reports: new SqliteReports(this.#handle, tables),
    };
    return this.#prepared;
  }
}

interface Prepared {
  readonly rows: SqliteRows;
  readonly reports: SqliteReports;
}

function warnOfMemory(): void {
  process.emitWarning(
    'The locks live in an SQLite database in memory: they exclude nobody outside this process. ' +
      'Use a database file, or another database, for more than one instance.',
    { code: 'LOCK_SQLITE_MEMORY' },
  );
}

function isOpen(handle: SqliteHandle): boolean {
  return handle.inTransaction;
}

function momentAt(now: number): Moment {
  // Nobody listens on SQLite, and everybody looks: any ticket may be handed the lease.
  return { now, tokenTime: Math.floor(now * 1_000), listens: () => true };
}

function standsFirmly({ line }: NameState, owner: string, now: number): boolean {
  const ticket = line.find((other) => other.owner === owner);
  return ticket !== undefined && ticket.endsAt - now > LINE_TIMES.ticketMs - LINE_TIMES.refreshMs;
}

function paced(answer: Refused, { hold }: NameState, now: number): Refused {
  return { ...answer, retryInMs: pacedRetryInMs(answer, hold === null ? 0 : now - hold.since) };
}
