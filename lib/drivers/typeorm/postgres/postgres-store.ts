/**
 * Locks in PostgreSQL: each run of steps is one call of one function, as a named prepared
 * statement, on a small pool of its own.
 */
import { createHash } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { LockState } from '../../../core/lease.js';
import {
  LINE_TIMES,
  type ListQuery,
  type Wake,
  type WatchAnswer,
} from '../../../core/lock-driver.js';
import { LONG_IDLE_MS } from '../janitor.js';
import { cloneDataSource } from '../own-data-source.js';
import { watchAgainInMs } from '../retry-in.js';
import type { SqlAnswer, SqlConnection, SqlStep, SqlStore } from '../sql-dialect.js';
import { poolOf, sqlState, type PgPool } from './postgres-client.js';
import { PostgresListener } from './postgres-listener.js';
import {
  postgresQueries,
  readState,
  type PostgresQueries,
  type StateRow,
} from './postgres-queries.js';
import { postgresNames } from './postgres-functions.js';
import {
  answerOf,
  bytes,
  runArguments,
  stepArguments,
  type Channels,
  type StepRow,
} from './postgres-steps.js';

/** A watcher is remembered a little longer than it was told to come back. */
const WATCHED_MS = LINE_TIMES.refreshMs + 1_000;

export class PostgresStore implements SqlStore {
  readonly lanes: number;
  readonly #connection: SqlConnection;
  readonly #queries: PostgresQueries;
  readonly #statements: readonly string[];
  #own: DataSource | null = null;
  #listener: PostgresListener | null = null;
  #wakeChannel: string | null = null;
  readonly #changesChannel: string;
  #prepares = true;
  #sweptTo: Buffer = Buffer.alloc(0);

  constructor(connection: SqlConnection, statements: readonly string[]) {
    this.#connection = connection;
    this.#statements = statements;
    this.lanes = connection.poolSize;
    const names = postgresNames(connection.tables);
    this.#queries = postgresQueries(names);
    this.#changesChannel = channelName(names.locks, 'changes');
  }

  async open(): Promise<void> {
    if (this.#connection.connection === 'shared' || this.#own !== null) return;
    const own = cloneDataSource(this.#connection.dataSource, poolOptions(this.#connection));
    await own.initialize();
    this.#own = own;
  }

  async createTables(): Promise<void> {
    if (await this.#isComplete()) return;
    // One after the other: `IF NOT EXISTS` and `OR REPLACE` fail if two do them at once.
    const lock = "SELECT pg_advisory_xact_lock(hashtextextended('nestjs-distributed-lock', 0))";
    const quiet = 'SET LOCAL client_min_messages TO warning';
    await this.#pool.query({ text: [lock, quiet, ...this.#statements].join(';\n') });
  }

  async checkTables(): Promise<void> {
    if (await this.#isComplete()) return;
    throw Object.assign(new Error('the tables or functions of this version are not there'), {
      code: MISSING,
    });
  }

  async run(steps: readonly SqlStep[]): Promise<readonly SqlAnswer[]> {
    const pushed = this.#listener?.listening === true;
    const [first] = steps;
    if (steps.length === 1 && first !== undefined) {
      const [row] = await this.#rows<StepRow>('step', stepArguments(first, this.#channels));
      return row === undefined ? [] : [answerOf(first, row, pushed)];
    }
    const order = steps
      .map((step, index) => ({ step, index, key: bytes(step.request.name) }))
      .sort((one, other) => Buffer.compare(one.key, other.key));
    const sorted = order.map(({ step }) => step);
    const rows = await this.#rows<StepRow>('run', runArguments(sorted, this.#channels));
    const answers = new Array<SqlAnswer>(steps.length);
    order.forEach(({ step, index }, at) => {
      const row = rows[at];
      if (row === undefined) throw new Error(`${rows.length} answers for ${steps.length} steps`);
      answers[index] = answerOf(step, row, pushed);
    });
    return answers;
  }

  async inspect(name: string): Promise<LockState> {
    const [row] = await this.#rows<StateRow>('inspect', [bytes(name)]);
    return readState(name, row);
  }

  async list({ prefix, limit }: ListQuery): Promise<readonly LockState[]> {
    const rows = await this.#rows<StateRow>('list', [bytes(prefix), limit]);
    return rows.map((row) => readState(row[0].toString('utf8'), row));
  }

  async watch(name: string): Promise<WatchAnswer> {
    // Marked first and read then: a change between the two is told twice rather than never.
    const pushed = this.#listener?.listening === true;
    await this.#listener?.watch();
    const step = { kind: 'watch', request: { name, forMs: WATCHED_MS } } as const;
    const [mark] = pushed
      ? await this.#rows<StepRow>('step', stepArguments(step, this.#channels))
      : [];
    const state = await this.inspect(name);
    return { state, retryInMs: watchAgainInMs(state, mark?.[0] === true) };
  }

  async cleanUp(idleMs: number, limit: number): Promise<number> {
    const [row] = await this.#rows<readonly [last: Buffer | null, looked: string]>('cleanUp', [
      this.#sweptTo,
      limit,
      idleMs * 1_000,
      Math.max(idleMs, LONG_IDLE_MS) * 1_000,
    ]);
    const looked = Number(row?.[1] ?? 0);
    this.#sweptTo = looked < limit ? Buffer.alloc(0) : (row?.[0] ?? Buffer.alloc(0));
    return looked;
  }

  async listen(process: string, hear: (wake: Wake) => void): Promise<void> {
    if (this.#listener !== null) return;
    this.#wakeChannel = channelName(this.#queries.names.locks, process);
    this.#listener = new PostgresListener({
      pool: () => this.#pool,
      channel: this.#wakeChannel,
      changes: this.#changesChannel,
      hear,
    });
    await this.#listener.start();
  }

  async close(): Promise<void> {
    await this.#listener?.close();
    const own = this.#own;
    this.#own = null;
    await own?.destroy();
  }

  get #pool(): PgPool {
    const dataSource = this.#own ?? this.#connection.dataSource;
    return poolOf(dataSource);
  }

  async #isComplete(): Promise<boolean> {
    const [row] = await this.#rows<readonly [boolean]>('isComplete', []);
    return row?.[0] === true;
  }

  get #channels(): Channels {
    const wake = this.#listener?.listening === true ? this.#wakeChannel : null;
    return { wake, changes: this.#changesChannel };
  }

  async #rows<Row>(
    query: Exclude<keyof PostgresQueries, 'names'>,
    values: readonly unknown[],
  ): Promise<readonly Row[]> {
    const { name, text } = this.#queries[query];
    const plain = { text, values, rowMode: 'array' } as const;
    try {
      const { rows } = await this.#pool.query(this.#prepares ? { name, ...plain } : plain);
      return rows as readonly Row[];
    } catch (error) {
      // Behind a pooler a prepared statement may be on another connection than it was made on. The
      // statement was refused as a whole, so it is simply sent again, from now on without a name.
      const state = sqlState(error);
      if (!this.#prepares || (state !== '26000' && state !== '42P05')) throw error;
      this.#prepares = false;
      const { rows } = await this.#pool.query(plain);
      return rows as readonly Row[];
    }
  }
}

/**
 * Our own code for what PostgreSQL has no error for, because it was only asked whether things
 * exist.
 */
export const MISSING = 'LOCK_TABLES_MISSING';

function poolOptions({ dataSource, poolSize }: SqlConnection): Record<string, unknown> {
  const { extra, replication, connectTimeoutMS } = dataSource.options as {
    readonly extra?: Readonly<Record<string, unknown>>;
    readonly replication?: { readonly master?: object };
    readonly connectTimeoutMS?: number;
  };
  return {
    ...(replication?.master ?? {}),
    replication: undefined,
    poolSize,
    extra: { ...extra, max: poolSize },
    connectTimeoutMS: connectTimeoutMS ?? 5_000,
    installExtensions: false,
    extensions: undefined,
    logNotifications: false,
    // A connection that breaks while idle is replaced at the next use; there is nothing to say.
    poolErrorHandler: () => undefined,
  };
}

/** At most 63 plain characters, different for each table and process. */
function channelName(table: string, process: string): string {
  return `ndl_${createHash('sha256').update(`${table}\n${process}`).digest('hex').slice(0, 40)}`;
}
