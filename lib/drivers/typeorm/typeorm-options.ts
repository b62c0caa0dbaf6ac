/** What `typeOrmLocks` takes, checked once, before any I/O. */
import type { DataSource } from 'typeorm';
import { LockOptionsError } from '../../core/lock-errors.js';
import { lockTables, type LockTables } from './lock-tables.js';

/** What `typeOrmLocks` needs to know: a data source; the rest has good defaults. */
export interface TypeOrmLocksOptions {
  /** The application's, initialised before the locks open. Never closed by us. */
  readonly dataSource: DataSource;
  /**
   * `name` or `schema.name` of the lock table; the two others are named after it. Default:
   * `distributed_lock`.
   */
  readonly table?: string;
  /**
   * `own` (the default): a small pool of the locks' own, with the options of `dataSource`, so that
   * an open transaction or an exhausted pool of the application delays no renewal. `shared`: the
   * application's pool, for who must count every connection.
   */
  readonly connection?: 'own' | 'shared';
  /** Connections of the own pool, 1 to 100; the one that listens comes on top. Default: 3. */
  readonly poolSize?: number;
  /**
   * Makes missing tables when the locks open. `false`: a migration has made them. Default: `true`.
   */
  readonly createTable?: boolean;
}

export interface CheckedOptions {
  readonly dataSource: DataSource;
  readonly tables: LockTables;
  readonly connection: 'own' | 'shared';
  readonly poolSize: number;
  readonly createTable: boolean;
}

export function checkOptions(options: TypeOrmLocksOptions): CheckedOptions {
  const { dataSource, table, connection = 'own', poolSize = 3, createTable = true } = options;
  if (!['own', 'shared'].includes(connection)) {
    throw new LockOptionsError('connection', connection, '"own" or "shared"');
  }
  if (!Number.isInteger(poolSize) || poolSize < 1 || poolSize > 100) {
    throw new LockOptionsError('poolSize', poolSize, 'a whole number from 1 to 100');
  }
  if (typeof createTable !== 'boolean') {
    throw new LockOptionsError('createTable', createTable, 'true or false');
  }
  const tables = lockTables(table, defaultSchema(dataSource));
  return { dataSource, tables, connection, poolSize, createTable };
}

/** What TypeORM puts before the tables of entities; the other databases have no such option. */
export function defaultSchema({ options }: DataSource): string | null {
  return options.type === 'postgres' ? (options.schema ?? null) : null;
}
