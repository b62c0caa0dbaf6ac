/**
 * What the driver needs of a database: the verbs of the contract as steps that travel together, its
 * tables, its push, and the proof for a fenced transaction. Types only; one folder a dialect.
 *
 * Who does what:
 * - The shell (`typeorm-driver.ts`) gathers a tick's calls into one `run`, repeats what is
 *   transient or `busy` with jitter and a bound, and wraps everything else in `LockStoreError`.
 * - The dialect makes one packet, one statement or one transaction of a `run`. It opens its
 *   connections by itself, because each database needs other options for them.
 */
import type { DataSource, DataSourceOptions, EntityManager } from 'typeorm';
import type { LockState } from '../../core/lease.js';
import type {
  AcquireAnswer,
  AcquireRequest,
  ListQuery,
  ReleaseAnswer,
  ReleaseRequest,
  RenewRequest,
  Wake,
  WatchAnswer,
} from '../../core/lock-driver.js';
import type { LockTables } from './lock-tables.js';

/** One kind of database. No state, no connection: what `open` returns has those. */
export interface SqlDialect {
  /** The TypeORM types that it speaks for. */
  readonly types: readonly DataSourceOptions['type'][];
  /** For messages: `PostgreSQL`. */
  readonly storeName: string;

  /**
   * The statements that make the tables (and functions), in order, each a single statement that
   * does nothing if the thing is there. `open` runs them, the migration runs them, messages show
   * them.
   */
  createStatements(tables: LockTables): readonly string[];
  /** The reverse, for the migration. */
  dropStatements(tables: LockTables): readonly string[];
  /** As above for the one table of `assertFresh`, which may live in a database without locks. */
  createFenceStatements(tables: LockTables): readonly string[];
  dropFenceStatements(tables: LockTables): readonly string[];

  /**
   * The store behind one driver. No I/O yet: everything that needs the database comes in `open`.
   * Throws `LockOptionsError` if this data source cannot serve.
   */
  connect(connection: SqlConnection): SqlStore;

  /**
   * What must come first in a fenced transaction, where something must. SQLite has one writer for
   * the whole file, so it takes the file: a transaction that reads first, and writes when somebody
   * else has written meanwhile, could only fail.
   */
  readonly begin?: (manager: EntityManager, tables: LockTables) => Promise<void>;
  /**
   * The proof in a fenced transaction, on the application's own connection: waits for the lock's
   * row, keeps it locked until the transaction ends, and then, by a clock read after that wait,
   * answers whether this owner holds the lease with this first token and it has not run out.
   */
  fence(manager: EntityManager, tables: LockTables, hold: Hold): Promise<boolean>;
  /**
   * Whether the row shows this owner's hold with this token, run out or not. Locks nothing, changes
   * nothing.
   */
  knows(manager: EntityManager, tables: LockTables, hold: Hold): Promise<boolean>;
  /**
   * For `assertFresh`: raises the newest token seen for a resource to `token` if that is newer,
   * keeps the resource's row locked, and answers the newest token now.
   */
  freshen(manager: EntityManager, tables: LockTables, fact: ResourceToken): Promise<number>;

  /**
   * Deadlock victim, serialization failure, lock wait timeout, busy file: the same again may
   * succeed.
   */
  isTransient(error: unknown): boolean;
  /** A table, column or function is missing: made by nobody, or by another version. */
  isMissingSchema(error: unknown): boolean;
}

/** Where the locks live, and how we may reach them. */
export interface SqlConnection {
  /** The application's. With `own`, only its options and its class are used. */
  readonly dataSource: DataSource;
  /** `own`: a small pool of ours, closed by us. `shared`: the application's, never closed by us. */
  readonly connection: 'own' | 'shared';
  /** How many connections an own pool may have, those for push not counted. */
  readonly poolSize: number;
  readonly tables: LockTables;
}

/** The tables of one lock store, opened. Every method may throw whatever its client throws. */
export interface SqlStore {
  /** How many runs at once do any good: its connections, or 1 where writing is one at a time. */
  readonly lanes: number;

  /** Opens connections. Called again after it failed. */
  open(): Promise<void>;
  /**
   * Runs `createStatements`, safe from twenty processes at once, without an error in the server's
   * log.
   */
  createTables(): Promise<void>;
  /**
   * Throws, by `isMissingSchema` or otherwise, if the tables are not there or not what they should
   * be.
   */
  checkTables(): Promise<void>;

  /**
   * Runs steps in one atomic round trip, each as the contract's verb says. Names are distinct
   * within one run (a release and its `rejoin` are one step), in no special order. Answers in their
   * order.
   *
   * A run never waits for a row that somebody else has locked: that step answers `busy` and changes
   * nothing, so that one stuck transaction (a stopped fenced one) delays nobody's renewals, and no
   * deadlock can be. A run of one step may wait some milliseconds first. `busy` is asked again.
   */
  run(steps: readonly SqlStep[]): Promise<readonly SqlAnswer[]>;

  inspect(name: string): Promise<LockState>;
  list(query: ListQuery): Promise<readonly LockState[]>;
  /** As the contract's `watch`. Without push: `inspect`, and a short `retryInMs`. */
  watch(name: string): Promise<WatchAnswer>;

  /**
   * Forgets a few names (at most `limit`) that are free, unwatched and unwaited-for since
   * `idleMs`, and tickets of the dead. Never lets a token fall, even if the clock of the store
   * does. A name whose last ending is not a plain `released` has something to tell, and is kept
   * for `LONG_IDLE_MS` at least. Answers `limit` if there may be more to do at once.
   */
  cleanUp(idleMs: number, limit: number): Promise<number>;

  /**
   * Starts push for this process, and keeps it going over lost connections (`missed` after each).
   * Absent or failing: no push; `retryInMs` of refused steps is then paced by the place in the
   * line.
   */
  listen?(process: string, listener: (wake: Wake) => void): Promise<void>;

  /** Closes what `open` and `listen` opened. */
  close(): Promise<void>;
}

/** One verb of the contract for one name. */
export type SqlStep =
  | { readonly kind: 'acquire'; readonly request: AcquireRequest }
  | { readonly kind: 'renew'; readonly request: RenewRequest }
  | { readonly kind: 'release'; readonly request: ReleaseRequest }
  | { readonly kind: 'leave'; readonly request: { readonly name: string; readonly owner: string } }
  | { readonly kind: 'force'; readonly request: { readonly name: string } };

/** What each kind of step answers, besides `busy`. */
export interface SqlAnswers {
  readonly acquire: AcquireAnswer;
  readonly renew: boolean;
  readonly release: ReleaseAnswer;
  readonly leave: undefined;
  readonly force: boolean;
}

/** `busy`: the row is locked by somebody else just now; nothing was changed, ask again soon. */
export type SqlAnswer = SqlAnswers[SqlStep['kind']] | 'busy';

/** A lease as a fenced transaction proves it: `token` is the first of its block. */
export interface Hold {
  readonly name: string;
  readonly owner: string;
  readonly token: number;
}

/** Something outside the lock that is written under it, and the token of the writer. */
export interface ResourceToken {
  readonly resource: string;
  readonly token: number;
}
