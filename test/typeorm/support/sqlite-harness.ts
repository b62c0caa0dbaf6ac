/** An SQLite file for the conformance kit; every driver has a handle of its own on it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { DataSource } from 'typeorm';
import { typeOrmLocks } from '../../../lib/drivers/typeorm/index.js';
import type { ConformanceHarness } from '../../../lib/testing/index.js';

/** @param DataSourceClass that of the TypeORM version to run on. */
export function sqliteHarness(DataSourceClass: typeof DataSource = DataSource): ConformanceHarness {
  let folder = '';
  const file = (): string => join(folder, 'locks.sqlite');
  const dataSources: DataSource[] = [];
  const inDatabase = async (text: string, values: unknown[]): Promise<void> => {
    await dataSources[0]?.query(text, values);
  };

  return {
    push: false,
    async start() {
      folder = await mkdtemp(join(tmpdir(), 'sqlite-locks-'));
    },
    async stop() {
      for (const dataSource of dataSources) await dataSource.destroy();
      await rm(folder, { recursive: true, force: true });
    },
    async newDriver() {
      const dataSource = new DataSourceClass({
        type: 'better-sqlite3',
        driver: Database,
        database: file(),
      });
      await dataSource.initialize();
      dataSources.push(dataSource);
      return typeOrmLocks({ dataSource });
    },
    async elapse(name, ms) {
      await inDatabase(
        'UPDATE distributed_lock SET since = since - ?1, ends_at = ends_at - ?1, ' +
          'used_at = used_at - ?1 WHERE name = ?2',
        [ms, name],
      );
      await inDatabase(
        'UPDATE distributed_lock_ticket SET ends_at = ends_at - ?1 WHERE name = ?2',
        [ms, name],
      );
    },
    async forget(name) {
      await inDatabase('DELETE FROM distributed_lock_ticket WHERE name = ?', [name]);
      await inDatabase('DELETE FROM distributed_lock WHERE name = ?', [name]);
    },
  };
}
