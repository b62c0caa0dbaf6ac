/** MariaDB for the conformance kit: a server of its own, and a door in front of each driver. */
import { createPool, type Pool } from 'mysql2/promise';
import { DataSource } from 'typeorm';
import type { LockDriver } from '../../../lib/core/lock-driver.js';
import { typeOrmLocks } from '../../../lib/drivers/typeorm/index.js';
import type { ConformanceHarness } from '../../../lib/testing/index.js';
import { startMariaDb } from '../../support/servers/index.mjs';
import type { SqlServer } from '../../support/servers/types.js';
import { TcpGate } from './tcp-gate.js';

/** @param DataSourceClass that of the TypeORM version to run on. */
export function mariaDbHarness(
  DataSourceClass: typeof DataSource = DataSource,
): ConformanceHarness {
  let server: SqlServer | null = null;
  let admin: Pool | null = null;
  const gates = new Map<LockDriver, TcpGate>();
  const dataSources: DataSource[] = [];
  const started = (): SqlServer => {
    if (server === null) throw new Error('MariaDB is not started.');
    return server;
  };
  const inDatabase = async (text: string, values: unknown[]): Promise<void> => {
    await admin?.query(text, values);
  };

  return {
    // Waiters are rung, but watchers look.
    push: false,
    async start() {
      server = await startMariaDb();
      admin = createPool({ uri: server.url, connectionLimit: 2 });
    },
    async stop() {
      for (const dataSource of dataSources) await dataSource.destroy();
      for (const gate of gates.values()) await gate.shut();
      await admin?.end();
      await server?.stop();
    },
    async newDriver() {
      const { host, port, user, password, database } = started();
      const gate = new TcpGate({ host, port });
      await gate.open();
      const dataSource = new DataSourceClass({
        type: 'mariadb',
        host: '127.0.0.1',
        port: gate.port,
        username: user,
        password,
        database,
        poolSize: 1,
      });
      await dataSource.initialize();
      dataSources.push(dataSource);
      const driver = typeOrmLocks({ dataSource });
      gates.set(driver, gate);
      return driver;
    },
    async elapse(name, ms) {
      const bytes = Buffer.from(name);
      const µs = ms * 1_000;
      await inDatabase(
        'UPDATE distributed_lock SET since = since - ?, used_at = used_at - ?, ' +
          'ends_at = IF(phase = 0, 0, ends_at - ?) WHERE name = ?',
        [µs, µs, µs, bytes],
      );
      await inDatabase('UPDATE distributed_lock_ticket SET ends_at = ends_at - ? WHERE name = ?', [
        µs,
        bytes,
      ]);
    },
    async forget(name) {
      await inDatabase('DELETE FROM distributed_lock_ticket WHERE name = ?', [Buffer.from(name)]);
      await inDatabase('DELETE FROM distributed_lock WHERE name = ?', [Buffer.from(name)]);
    },
    async cut(driver) {
      await gates.get(driver)?.shut();
    },
    async restore(driver) {
      await gates.get(driver)?.open();
    },
    async restart() {
      await started().restart();
    },
  };
}
