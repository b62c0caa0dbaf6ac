/**
 * The contract on an SQL database. What a step does is written in SQL, one folder a dialect; here
 * is what all of them share: opening, gathering a tick's calls, asking again what may succeed the
 * second time, and one kind of error.
 */
import type { LockState } from '../../core/lease.js';
import type {
  AcquireAnswer,
  AcquireRequest,
  ListQuery,
  LockDriver,
  ReleaseAnswer,
  ReleaseRequest,
  RenewRequest,
  Wake,
  WatchAnswer,
} from '../../core/lock-driver.js';
import { LockError, LockOptionsError, LockStoreError } from '../../core/lock-errors.js';
import { dialectOf } from './dialects.js';
import { Janitor } from './janitor.js';
import { migrationHint } from './lock-migration.js';
import type { LockTables } from './lock-tables.js';
import type { SqlAnswer, SqlAnswers, SqlDialect, SqlStep, SqlStore } from './sql-dialect.js';
import { repeatTransient } from './repeat.js';
import { StepRunner } from './step-runner.js';
import { checkOptions, type CheckedOptions, type TypeOrmLocksOptions } from './typeorm-options.js';

/**
 * Locks in the application's own SQL database: PostgreSQL, MySQL, MariaDB or SQLite.
 *
 * @example
 * DistributedLockModule.forRootAsync({
 *   inject: [DataSource],
 *   useFactory: (dataSource: DataSource) => ({ driver: typeOrmLocks({ dataSource }) }),
 * })
 */
export function typeOrmLocks(options: TypeOrmLocksOptions): LockDriver {
  return new TypeOrmDriver(options);
}

/** Where a lock lives, for who proves it in a transaction. */
export interface SqlLocation {
  readonly dialect: SqlDialect;
  readonly tables: LockTables;
}

/**
 * Known by this symbol and not by its class, of which an application may have two (ESM and
 * CommonJS).
 */
const LOCATION = Symbol.for('nestjs-distributed-lock:sql-location');

/** `null` when the driver is of another kind. */
export function locationOf(driver: LockDriver): SqlLocation | null {
  return (driver as { [LOCATION]?: SqlLocation })[LOCATION] ?? null;
}

class TypeOrmDriver implements LockDriver {
  readonly storeName: string;
  readonly [LOCATION]: SqlLocation;
  readonly #options: CheckedOptions;
  readonly #dialect: SqlDialect;
  readonly #store: SqlStore;
  readonly #runner: StepRunner;
  readonly #janitor: Janitor;
  #opening: Promise<void> | null = null;
  #state: 'new' | 'open' | 'closed' = 'new';
  #hear: (wake: Wake) => void = () => undefined;

  constructor(options: TypeOrmLocksOptions) {
    this.#dialect = dialectOf(options.dataSource);
    this.#options = checkOptions(options);
    this.storeName = this.#dialect.storeName;
    this[LOCATION] = { dialect: this.#dialect, tables: this.#options.tables };
    this.#store = this.#dialect.connect(this.#options);
    this.#runner = new StepRunner(this.#store, this.#dialect);
    this.#janitor = new Janitor(this.#store);
  }

  open(process: string): Promise<void> {
    this.#opening ??= this.#open(process).catch((error: unknown) => {
      this.#opening = null;
      throw this.#wrap('', 'opened', error);
    });
    return this.#opening;
  }

  async acquire(request: AcquireRequest): Promise<AcquireAnswer> {
    return this.#step('acquired', { kind: 'acquire', request });
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly boolean[]> {
    // A rejected one must not leave the others unobserved, and one stuck row must not hide their
    // answers.
    const settled = await Promise.allSettled(
      requests.map((request) => this.#step('renewed', { kind: 'renew', request })),
    );
    return settled.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }

  async release(request: ReleaseRequest): Promise<ReleaseAnswer> {
    return this.#step('released', { kind: 'release', request });
  }

  async leave(name: string, owner: string): Promise<void> {
    await this.#step('left', { kind: 'leave', request: { name, owner } });
  }

  inspect(name: string): Promise<LockState> {
    return this.#ask(name, 'inspected', () => this.#store.inspect(name));
  }

  list(query: ListQuery): Promise<readonly LockState[]> {
    return this.#ask('', 'listed', () => this.#store.list(query));
  }

  watch(name: string): Promise<WatchAnswer> {
    return this.#ask(name, 'watched', () => this.#store.watch(name));
  }

  async forceRelease(name: string): Promise<boolean> {
    return this.#step('forced free', { kind: 'force', request: { name } });
  }

  onWake(listener: (wake: Wake) => void): void {
    this.#hear = listener;
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#janitor.stop();
    await this.#opening?.catch(() => undefined);
    await this.#store.close();
  }

  async #open(process: string): Promise<void> {
    if (this.#state === 'closed') throw new Error('the driver is closed');
    const { dataSource, createTable } = this.#options;
    if (!dataSource.isInitialized) {
      throw new LockOptionsError(
        'dataSource',
        dataSource,
        'initialised before the locks open: await dataSource.initialize() first',
      );
    }
    await this.#store.open();
    await repeatTransient(this.#dialect, () => this.#makeReady(createTable));
    await this.#store.listen?.(process, (wake) => {
      this.#hear(wake);
    });
    this.#state = 'open';
    this.#janitor.start();
  }

  async #makeReady(createTable: boolean): Promise<void> {
    if (createTable) {
      await this.#store.createTables();
      return;
    }
    try {
      await this.#store.checkTables();
    } catch (error) {
      if (!this.#dialect.isMissingSchema(error)) throw error;
      throw migrationHint(this.#dialect.createStatements(this.#options.tables), error);
    }
  }

  async #step<Kind extends SqlStep['kind']>(
    action: string,
    step: SqlStep & { readonly kind: Kind },
  ): Promise<SqlAnswers[Kind]> {
    const answer: SqlAnswer = await this.#ask(step.request.name, action, () =>
      this.#runner.run(step),
    );
    return answer as SqlAnswers[Kind];
  }

  async #ask<T>(name: string, action: string, work: () => Promise<T>): Promise<T> {
    try {
      if (this.#state !== 'open') throw new Error(`the driver is ${NOT_OPEN[this.#state]}`);
      return await work();
    } catch (error) {
      throw this.#wrap(name, action, error);
    }
  }

  #wrap(name: string, action: string, error: unknown): unknown {
    return error instanceof LockError ? error : new LockStoreError(name, action, error);
  }
}

const NOT_OPEN = { new: 'not open', closed: 'closed' } as const;
