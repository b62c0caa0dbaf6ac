/**
 * A database server for the conformance kit: one of its own, and a door in front of each driver.
 */
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { LockDriver } from '../../../lib/core/lock-driver.js';
import { typeOrmLocks } from '../../../lib/drivers/typeorm/index.js';
import type { ConformanceHarness } from '../../../lib/testing/index.js';
import type { SqlServer } from '../../support/servers/types.js';
import { TcpGate } from './tcp-gate.js';

/** What is different from one server to the other. */
export interface ServerRecipe {
  readonly title: string;
  readonly push: boolean;
  start(): Promise<SqlServer>;
  /** Of an application's data source, besides the address. */
  readonly options: Pick<DataSourceOptions, 'type'> & object;
  connect(url: string): Admin;
  /** Makes a name's times so much older. */
  elapse(admin: Admin, name: Buffer, microseconds: number): Promise<void>;
}

/** Who changes the tables behind the drivers' backs. Parameters are written as `?`. */
export interface Admin {
  run(text: string, values: (Buffer | number)[]): Promise<unknown>;
  end(): Promise<void>;
}

/** @param DataSourceClass that of the TypeORM version to run on. */
export function serverHarness(
  recipe: ServerRecipe,
  DataSourceClass: typeof DataSource = DataSource,
): ConformanceHarness {
  let running: { readonly server: SqlServer; readonly admin: Admin } | null = null;
  const gates = new Map<LockDriver, TcpGate>();
  const dataSources: DataSource[] = [];
  const started = (): NonNullable<typeof running> => {
    if (running === null) throw new Error(`${recipe.title} is not started.`);
    return running;
  };

  return {
    push: recipe.push,
    async start() {
      const server = await recipe.start();
      running = { server, admin: recipe.connect(server.url) };
    },
    async stop() {
      for (const dataSource of dataSources) await dataSource.destroy();
      for (const gate of gates.values()) await gate.shut();
      await running?.admin.end();
      await running?.server.stop();
    },
    async newDriver() {
      const { host, port, user: username, password, database } = started().server;
      const gate = new TcpGate({ host, port });
      await gate.open();
      const address = { host: '127.0.0.1', port: gate.port, username, password, database };
      const options = { ...recipe.options, ...address, poolSize: 1 } as DataSourceOptions;
      const dataSource = new DataSourceClass(options);
      await dataSource.initialize();
      dataSources.push(dataSource);
      const driver = typeOrmLocks({ dataSource });
      gates.set(driver, gate);
      return driver;
    },
    async elapse(name, ms) {
      await recipe.elapse(started().admin, Buffer.from(name), ms * 1_000);
    },
    async forget(name) {
      for (const table of ['distributed_lock_ticket', 'distributed_lock']) {
        await started().admin.run(`DELETE FROM ${table} WHERE name = ?`, [Buffer.from(name)]);
      }
    },
    async cut(driver) {
      await gates.get(driver)?.shut();
    },
    async restore(driver) {
      await gates.get(driver)?.open();
    },
    async restart() {
      await started().server.restart();
    },
  };
}
