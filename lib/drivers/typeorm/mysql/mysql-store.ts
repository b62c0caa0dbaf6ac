/**
 * Locks in MySQL or MariaDB. A run goes out as statements over many names (`mysql-batch.ts`) as far
 * as nobody waits for them, and for the others as one packet a name (`mysql-packet.ts`).
 */
import type { DataSource } from 'typeorm';
import type { LockState } from '../../../core/lease.js';
import type { ListQuery, Wake, WatchAnswer } from '../../../core/lock-driver.js';
import { cloneDataSource } from '../own-data-source.js';
import { watchAgainInMs } from '../retry-in.js';
import type { SqlAnswer, SqlConnection, SqlStep, SqlStore } from '../sql-dialect.js';
import { BatchWriter } from './mysql-batch.js';
import { Bell } from './mysql-bell.js';
import { Lanes } from './mysql-connections.js';
import { PacketWriter } from './mysql-packet.js';
import { MysqlReports } from './mysql-reports.js';
import { MysqlRunner } from './mysql-runner.js';
import { createStatements } from './mysql-schema.js';
import { MARIADB_FORM, MYSQL_FORM, rowsIn, type ServerForm } from './mysql-script.js';
import { bellName, processOf, text } from './mysql-text.js';

export class MysqlStore implements SqlStore {
  readonly lanes: number;
  readonly #connection: SqlConnection;
  readonly #reports: MysqlReports;
  #open: Opened | null = null;
  #bell: Bell | null = null;

  constructor(connection: SqlConnection) {
    this.#connection = connection;
    this.lanes = connection.poolSize;
    this.#reports = new MysqlReports(connection.tables);
  }

  async open(): Promise<void> {
    if (this.#open !== null) return;
    const { dataSource, connection, tables, poolSize } = this.#connection;
    const own = connection === 'shared' ? null : ownDataSource(dataSource, poolSize + 1);
    await own?.initialize();
    const lanes = new Lanes(own ?? dataSource, poolSize, own === null);
    try {
      const [result] = await lanes.run(['SELECT DATABASE() AS name, VERSION() AS version']);
      // Bells are known all over the server, whatever the database.
      const place = `${text(result?.rows[0]?.name)}.${tables.schema ?? ''}.${tables.locks}`;
      const bellOf = (process: string): string => bellName(place, process);
      const isMariaDb = text(result?.rows[0]?.version).includes('MariaDB');
      // The application's sessions may be in a mode that reads blocks in another way.
      const form = isMariaDb && own !== null ? MARIADB_FORM : MYSQL_FORM;
      const runner = new MysqlRunner({
        ...{ lanes, form },
        batches: new BatchWriter(tables),
        packets: new PacketWriter({ tables, form, bellOf: (owner) => bellOf(processOf(owner)) }),
        canReturn: isMariaDb,
        bell: () => this.#bell,
      });
      this.#open = { own, lanes, form, runner, bellOf };
    } catch (error) {
      await own?.destroy();
      throw error;
    }
  }

  /** Looks first: who may not create tables needs no right to, if they are there. */
  async createTables(): Promise<void> {
    try {
      await this.checkTables();
    } catch {
      for (const statement of createStatements(this.#connection.tables)) {
        await this.#opened.lanes.run([statement]);
      }
      await this.checkTables();
    }
  }

  async checkTables(): Promise<void> {
    for (const statement of this.#reports.check()) await this.#opened.lanes.run([statement]);
  }

  async run(steps: readonly SqlStep[]): Promise<readonly SqlAnswer[]> {
    return this.#opened.runner.run(steps);
  }

  async inspect(name: string): Promise<LockState> {
    const { form, lanes } = this.#opened;
    const results = await form.run(lanes, this.#reports.inspect(name));
    return this.#reports.readInspect(name, rowsIn(results));
  }

  async list(query: ListQuery): Promise<readonly LockState[]> {
    const { form, lanes } = this.#opened;
    return this.#reports.readList(rowsIn(await form.run(lanes, this.#reports.list(query))));
  }

  async watch(name: string): Promise<WatchAnswer> {
    const state = await this.inspect(name);
    return { state, retryInMs: watchAgainInMs(state, false) };
  }

  cleanUp(idleMs: number, limit: number): Promise<number> {
    return this.#reports.cleanUp(idleMs, limit, {
      run: (statements) => this.#opened.lanes.run(statements),
      dropDead: async (name) => {
        await this.#opened.runner.run([{ kind: 'leave', request: { name, owner: '' } }]);
      },
    });
  }

  listen(process: string, listener: (wake: Wake) => void): Promise<void> {
    const { own, form, bellOf } = this.#opened;
    // On the application's pool it would keep one of the application's connections for itself.
    if (own !== null) {
      const { tables } = this.#connection;
      const name = bellOf(process);
      this.#bell ??= new Bell({ dataSource: own, tables, form, name, hear: listener });
    }
    return Promise.resolve();
  }

  async close(): Promise<void> {
    const opened = this.#open;
    this.#open = null;
    if (opened === null) return;
    await this.#bell?.close((statements) => opened.form.run(opened.lanes, statements));
    await opened.lanes.close();
    await opened.own?.destroy();
  }

  get #opened(): Opened {
    if (this.#open === null) throw new Error('the driver is closed');
    return this.#open;
  }
}

interface Opened {
  /** `null`: the application's is used. */
  readonly own: DataSource | null;
  readonly lanes: Lanes;
  readonly form: ServerForm;
  readonly runner: MysqlRunner;
  /** The name of a process's bell. */
  readonly bellOf: (process: string) => string;
}

/** The application's options, for connections that take several statements at once. */
function ownDataSource(application: DataSource, connections: number): DataSource {
  const { extra } = application.options as { readonly extra?: object };
  return cloneDataSource(application, {
    poolSize: connections,
    extra: {
      ...extra,
      connectionLimit: connections,
      multipleStatements: true,
      // Rows must come as we read them, whatever the application is used to.
      ...{ rowsAsArray: false, nestTables: false, typeCast: true, dateStrings: false },
    },
  });
}
