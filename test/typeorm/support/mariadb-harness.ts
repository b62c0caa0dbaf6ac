/** MariaDB for the conformance kit. */
import { createPool } from 'mysql2/promise';
import type { DataSource } from 'typeorm';
import type { ConformanceHarness } from '../../../lib/testing/index.js';
import { startMariaDb } from '../../support/servers/index.mjs';
import { serverHarness, type Admin } from './server-harness.js';

/** @param DataSourceClass that of the TypeORM version to run on. */
export function mariaDbHarness(DataSourceClass?: typeof DataSource): ConformanceHarness {
  const recipe = {
    title: 'MariaDB',
    // Waiters are rung, but watchers look.
    push: false,
    start: () => startMariaDb(),
    options: { type: 'mariadb' },
    connect,
    async elapse(admin: Admin, name: Buffer, µs: number) {
      await admin.run(
        'UPDATE distributed_lock SET since = since - ?, used_at = used_at - ?, ' +
          'ends_at = IF(phase = 0, 0, ends_at - ?) WHERE name = ?',
        [µs, µs, µs, name],
      );
      await admin.run('UPDATE distributed_lock_ticket SET ends_at = ends_at - ? WHERE name = ?', [
        µs,
        name,
      ]);
    },
  } as const;
  return serverHarness(recipe, DataSourceClass);
}

function connect(uri: string): Admin {
  const pool = createPool({ uri, connectionLimit: 2 });
  return { run: (text, values) => pool.query(text, values), end: () => pool.end() };
}
