/** Which dialect speaks for which data source. */
import type { DataSource } from 'typeorm';
import { LockOptionsError } from '../../core/lock-errors.js';
import { mysqlDialect } from './mysql/mysql-dialect.js';
import { postgresDialect } from './postgres/postgres-dialect.js';
import type { SqlDialect } from './sql-dialect.js';
import { sqliteDialect } from './sqlite/sqlite-dialect.js';

const DIALECTS: readonly SqlDialect[] = [postgresDialect, mysqlDialect, sqliteDialect];

export function dialectOf(dataSource: DataSource): SqlDialect {
  const type: unknown = (dataSource as { options?: { type?: unknown } } | undefined)?.options?.type;
  const dialect = DIALECTS.find(({ types }) => (types as readonly unknown[]).includes(type));
  if (dialect !== undefined) return dialect;
  const supported = DIALECTS.flatMap(({ types }) => types).join(', ');
  if (type === undefined) {
    throw new LockOptionsError('dataSource', dataSource, 'a TypeORM DataSource');
  }
  throw new LockOptionsError('dataSource.options.type', type, `one of ${supported}`);
}
