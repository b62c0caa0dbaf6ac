/**
 * A few connections of our own, each in a known session state, over which packets of several
 * statements travel. Taken from a clone of the application's DataSource; a connection that fails is
 * given up, and the next packet opens another.
 */
import type { DataSource, QueryRunner } from 'typeorm';

type Callback = (error: Error | null, results: unknown) => void;

/** What we need of mysql2's connection. */
export interface MysqlConnection {
  query(options: { readonly sql: string; readonly timeout: number }, callback: Callback): void;
  execute(options: PreparedStatement & { readonly timeout: number }, callback: Callback): void;
  on(event: 'error' | 'end', listener: () => void): unknown;
  destroy(): void;
}

/** Parsed once a connection, and then known to the server by a number. */
export interface PreparedStatement {
  readonly sql: string;
  readonly values: readonly (string | number | Buffer | null)[];
  /** Whether an error in it may leave a transaction open; absent: no. */
  readonly mayLeaveOpen?: boolean;
}

export type MysqlRow = Readonly<Record<string, unknown>>;

/** What one statement answered: its rows, or how many it matched. */
export interface MysqlResult {
  readonly rows: readonly MysqlRow[];
  readonly affected: number;
}

/** Less than the core waits for an answer, so that it hears why. */
const ANSWER_MS = 4_500;

/**
 * Nothing of the application's session settings: `READ COMMITTED` because it locks no gaps, so that
 * two new names never deadlock; a short lock wait, because only a stopped transaction takes longer.
 */
const SESSION = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  "SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 1, autocommit = 1, " +
    "sql_safe_updates = 0, completion_type = 0, sql_mode = 'STRICT_ALL_TABLES'",
].join('; ');

/** One connection, lent for one packet at a time. */
export class Lane {
  readonly #dataSource: DataSource;
  readonly #shared: boolean;
  #opened: Promise<Opened> | null = null;
  /** What `#opened` has resolved to, as long as it lives: it need not be waited for. */
  #live: Opened | null = null;

  /**
   * @param shared the application's pool: a connection is borrowed for each packet, and left as it
   * is.
   */
  constructor(dataSource: DataSource, shared: boolean) {
    this.#dataSource = dataSource;
    this.#shared = shared;
  }

  /**
   * Runs statements as one packet; what each answered, in their order.
   *
   * @param mayLeaveOpen whether an error in them may leave a transaction open.
   */
  run(
    statements: readonly string[],
    mayLeaveOpen = statements.length > 1,
  ): Promise<readonly MysqlResult[]> {
    return this.#with(mayLeaveOpen, (connection) =>
      this.#shared
        ? sendOneByOne(connection, statements)
        : send(connection, statements.join(';\n')),
    );
  }

  execute(statement: PreparedStatement): Promise<readonly MysqlResult[]> {
    const { mayLeaveOpen = false } = statement;
    return this.#with(mayLeaveOpen, (connection) => execute(connection, statement));
  }

  async #with<T>(
    mayLeaveOpen: boolean,
    work: (connection: MysqlConnection) => Promise<T>,
  ): Promise<T> {
    const { connection } = this.#live ?? (await this.#connected());
    try {
      return await work(connection);
    } catch (error) {
      await this.#recover(connection, mayLeaveOpen, error);
      throw error;
    } finally {
      if (this.#shared) await this.close();
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    this.#live = null;
    const { runner } = (await opened?.catch(() => null)) ?? {};
    // It may have been on its way until now.
    this.#live = null;
    await runner?.release();
  }

  /**
   * A connection that has died since its last packet is replaced: nothing of ours was lost with it.
   */
  async #connected(): Promise<Opened> {
    if ((await this.#opened?.catch(() => null))?.isDead === true) await this.close();
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = null;
      throw error;
    });
    return this.#opened;
  }

  async #open(): Promise<Opened> {
    const runner = this.#dataSource.createQueryRunner();
    try {
      const connection = (await runner.connect()) as MysqlConnection;
      const opened: Opened = { runner, connection, isDead: false };
      if (this.#shared) return opened;
      const die = (): void => {
        opened.isDead = true;
        if (this.#live === opened) this.#live = null;
      };
      connection.on('error', die);
      connection.on('end', die);
      await send(connection, SESSION);
      if (!opened.isDead) this.#live = opened;
      return opened;
    } catch (error) {
      await runner.release();
      throw error;
    }
  }

  async #recover(
    connection: MysqlConnection,
    mayLeaveOpen: boolean,
    error: unknown,
  ): Promise<void> {
    if (isStatementError(error)) {
      if (!mayLeaveOpen) return;
      try {
        await send(connection, 'ROLLBACK');
        return;
      } catch {
        // It is gone, then: the server rolls back by itself.
      }
    }
    connection.destroy();
    await this.close();
  }
}

interface Opened {
  readonly runner: QueryRunner;
  readonly connection: MysqlConnection;
  isDead: boolean;
}

/** All lanes of a store; who finds them all in use waits for the next. */
export class Lanes {
  readonly #free: Lane[];
  readonly #all: readonly Lane[];
  readonly #waiting: ((lane: Lane) => void)[] = [];

  constructor(dataSource: DataSource, count: number, shared: boolean) {
    this.#all = Array.from({ length: count }, () => new Lane(dataSource, shared));
    this.#free = [...this.#all];
  }

  run(statements: readonly string[], mayLeaveOpen?: boolean): Promise<readonly MysqlResult[]> {
    return this.#lend((lane) => lane.run(statements, mayLeaveOpen));
  }

  execute(statement: PreparedStatement): Promise<readonly MysqlResult[]> {
    return this.#lend((lane) => lane.execute(statement));
  }

  async #lend<T>(work: (lane: Lane) => Promise<T>): Promise<T> {
    const lane = this.#free.pop() ?? (await this.#next());
    try {
      return await work(lane);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(lane);
      else next(lane);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((lane) => lane.close()));
  }

  #next(): Promise<Lane> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

/** An error of one statement, after which the connection is still good. */
export function isStatementError(error: unknown): boolean {
  const { sqlState, fatal } = (error ?? {}) as { sqlState?: unknown; fatal?: unknown };
  return typeof sqlState === 'string' && fatal !== true;
}

function send(connection: MysqlConnection, sql: string): Promise<readonly MysqlResult[]> {
  return new Promise((resolve, reject) => {
    connection.query({ sql, timeout: ANSWER_MS }, (error, results) => {
      if (error !== null) reject(error);
      else resolve(resultsOf(results));
    });
  });
}

function execute(
  connection: MysqlConnection,
  statement: PreparedStatement,
): Promise<readonly MysqlResult[]> {
  return new Promise((resolve, reject) => {
    connection.execute({ ...statement, timeout: ANSWER_MS }, (error, results) => {
      if (error !== null) reject(error);
      else resolve(resultsOf(results));
    });
  });
}

/** The application's connections take one statement a packet, and may have another isolation. */
async function sendOneByOne(
  connection: MysqlConnection,
  statements: readonly string[],
): Promise<readonly MysqlResult[]> {
  const results: MysqlResult[] = [];
  await send(connection, 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
  for (const statement of statements) results.push(...(await send(connection, statement)));
  return results;
}

/**
 * mysql2 answers one statement plainly and several with an array; rows are arrays, the rest
 * headers.
 */
function resultsOf(results: unknown): readonly MysqlResult[] {
  const several =
    Array.isArray(results) && results.some((result) => Array.isArray(result) || isHeader(result));
  return (several ? (results as unknown[]) : [results]).map((result) => ({
    rows: Array.isArray(result) ? (result as MysqlRow[]) : [],
    affected: isHeader(result) ? result.affectedRows : 0,
  }));
}

function isHeader(result: unknown): result is { readonly affectedRows: number } {
  return typeof result === 'object' && result !== null && 'fieldCount' in result;
}
