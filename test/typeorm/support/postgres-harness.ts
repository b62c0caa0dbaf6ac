/** PostgreSQL for the conformance kit. */
import pg from 'pg';
import type { DataSource } from 'typeorm';
import type { ConformanceHarness } from '../../../lib/testing/index.js';
import { startPostgres } from '../../support/servers/index.mjs';
import { serverHarness, type Admin } from './server-harness.js';

/** @param DataSourceClass that of the TypeORM version to run on. */
export function postgresHarness(DataSourceClass?: typeof DataSource): ConformanceHarness {
  const recipe = {
    title: 'PostgreSQL',
    push: true,
    start: () => startPostgres(),
    options: { type: 'postgres', poolErrorHandler: () => undefined },
    connect,
    async elapse(admin: Admin, name: Buffer, µs: number) {
      await admin.run(
        'UPDATE distributed_lock SET since = since - ?, ends_at = ends_at - ?, ' +
          'used_at = used_at - ?, watched_until = watched_until - ? WHERE name = ?',
        [µs, µs, µs, µs, name],
      );
      await admin.run('UPDATE distributed_lock_ticket SET ends_at = ends_at - ? WHERE name = ?', [
        µs,
        name,
      ]);
    },
  } as const;
  return serverHarness(recipe, DataSourceClass);
}

function connect(connectionString: string): Admin {
  const pool = new pg.Pool({ connectionString, max: 2 });
  pool.on('error', () => undefined);
  return {
    run(text, values) {
      let at = 0;
      return pool.query(
        text.replaceAll('?', () => `$${(at += 1)}`),
        values,
      );
    },
    end: () => pool.end(),
  };
}
