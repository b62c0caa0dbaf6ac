/**
 * Locks in an SQLite file. SQLite runs inside this process and its API is synchronous, so a run is
 * one short transaction, begun and committed without giving the event loop up: take the file's one
 * write lock, read, let `core/lock-steps.ts` decide, write, commit. Nothing waits inside SQLite: a
 * busy file is tried again by the shell, in JavaScript.
 */
import type { LockState } from '../../../core/lease.js';
import type {
  AcquireAnswer,
  AcquireRequest,
  ListQuery,
  ReleaseAnswer,
  ReleaseRequest,
  Wake,
  WatchAnswer,
} from '../../../core/lock-driver.js';
import {
  acquire,
  forceRelease,
  leave,
  release,
  settle,
  view,
  type Moment,
  type NameState,
  type Step,
} from '../../../core/lock-steps.js';
import { watchAgainInMs } from '../retry-in.js';
import type { SqlAnswer, SqlConnection, SqlStep, SqlStore } from '../sql-dialect.js';
import {
  retried,
  borrowHandle,
  isBusy,
  isInMemory,
  openOwnHandle,
  snapshot,
  transaction,
  type OpenedHandle,
  type SqliteHandle,
} from './sqlite-handle.js';
import { Lookout, type Refusal } from './sqlite-lookout.js';
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
  #lookout: Lookout | null = null;

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
      transaction(this.#handle, () => {
        for (const statement of statements) this.#handle.exec(statement);
      });
    });
  }

  async checkTables(): Promise<void> {
    await retried(() => this.#read(''));
  }

  async run(steps: readonly SqlStep[]): Promise<readonly SqlAnswer[]> {
    const answers = this.#runAll(steps);
    // The next one comes after a turn of the event loop: thousands of renewals stop nothing.
    if (steps.length > 1) await turnOfTheLoop();
    return answers;
  }

  inspect(name: string): Promise<LockState> {
    return retried(() => {
      const { state, now } = this.#read(name);
      return view(name, state, now);
    });
  }

  list(query: ListQuery): Promise<readonly LockState[]> {
    return retried(() => snapshot(this.#handle, () => this.#ready.reports.list(query)));
  }

  async watch(name: string): Promise<WatchAnswer> {
    const state = await this.inspect(name);
    return { state, retryInMs: watchAgainInMs(state, false) };
  }

  async cleanUp(idleMs: number, limit: number): Promise<number> {
    const done = transaction(this.#handle, () => {
      const { rows, reports } = this.#ready;
      for (const name of reports.namesOfTheDead(limit)) {
        const { state, now } = rows.read(name);
        rows.write(name, state, settle(state, now));
      }
      return reports.forget(idleMs, limit);
    });
    await turnOfTheLoop();
    return done;
  }

  listen(_process: string, listener: (wake: Wake) => void): Promise<void> {
    this.#lookout ??= new Lookout({
      look: (request) => this.#lookAt(request),
      tell: (owner) => {
        listener({ kind: 'granted', owner });
      },
    });
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#lookout?.close();
    const opened = this.#opened;
    this.#opened = null;
    this.#prepared = null;
    await opened?.close();
  }

  #runAll(steps: readonly SqlStep[]): readonly SqlAnswer[] {
    const looked = steps.map((step) => this.#look(step));
    if (looked.every((answer) => answer !== null)) return looked;
    return this.#unlessBusy(
      () =>
        transaction(this.#handle, () => steps.map((step, at) => looked[at] ?? this.#apply(step))),
      () => steps.map((_, at) => looked[at] ?? 'busy'),
    );
  }

  /**
   * Answers who will not wait, and was refused just now, without asking for the write lock. `null`:
   * it takes a transaction.
   */
  #look(step: SqlStep): SqlAnswer | null {
    if (step.kind !== 'acquire' || step.request.line === 'join') return null;
    if (!this.#refused.has(step.request.name)) return null;
    return this.#lookAt(step.request)?.answer ?? null;
  }

  /** `null`: it would be granted. */
  #lookAt(request: AcquireRequest): Refusal | null {
    const { state, now } = this.#read(request.name);
    const [, answer] = acquire(state, { ...request, line: 'none' }, momentAt(now));
    return answer.granted ? null : { answer, heldForMs: heldForMs(state, now) };
  }

  #apply(step: SqlStep): SqlAnswer {
    const { request } = step;
    switch (step.kind) {
      case 'acquire':
        return this.#acquire(step.request);
      case 'renew':
        return this.#ready.rows.renew(step.request);
      case 'release':
        return this.#release(step.request);
      case 'leave':
        this.#lookout?.forget(step.request.owner);
        return this.#change<SqlAnswer>(request.name, (before, moment) =>
          leave(before, step.request.owner, moment),
        );
      case 'force':
        return this.#change(request.name, forceRelease);
    }
  }

  #acquire(request: AcquireRequest): AcquireAnswer {
    return this.#change(request.name, (before, moment) => {
      const step = acquire(before, request, moment);
      this.#heed(request, step, moment);
      return step;
    });
  }

  #release(request: ReleaseRequest): ReleaseAnswer {
    const { rejoin } = request;
    return this.#change<ReleaseAnswer>(request.name, (before, moment) => {
      const step = release(before, request, moment);
      const [after, { rejoined }] = step;
      if (rejoin !== null && rejoined !== null) this.#heed(rejoin, [after, rejoined], moment);
      return step;
    });
  }

  /** Remembers who was refused, and looks out for whoever waits. */
  #heed(request: AcquireRequest, [state, answer]: Step<AcquireAnswer>, { now }: Moment): void {
    const { name, owner, line } = request;
    if (answer.granted) {
      this.#refused.delete(name);
      this.#lookout?.forget(owner);
      return;
    }
    if (this.#refused.size >= REMEMBERED_REFUSALS) this.#refused.clear();
    this.#refused.add(name);
    if (line === 'join') {
      this.#lookout?.expect(request, { answer, heldForMs: heldForMs(state, now) });
    }
  }

  #change<Answer>(name: string, step: (before: NameState, moment: Moment) => Step<Answer>): Answer {
    const { rows } = this.#ready;
    const { state, now } = rows.read(name);
    const [after, answer] = step(state, momentAt(now));
    rows.write(name, state, after);
    return answer;
  }

  #read(name: string): ReadName {
    return snapshot(this.#handle, () => this.#ready.rows.read(name));
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

function momentAt(now: number): Moment {
  // Everybody looks by himself: any ticket may be handed the lease.
  return { now, tokenTime: Math.floor(now * 1_000), listens: () => true };
}

function heldForMs({ hold }: NameState, now: number): number {
  return hold === null ? 0 : now - hold.since;
}

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
