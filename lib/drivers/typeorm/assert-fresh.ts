/**
 * The fencing token, enforced where the data is: for locks of any driver over data in SQL. The
 * newest token seen is kept per resource, in the same transaction as the data.
 */
import type { DataSource, EntityManager } from 'typeorm';
import { LockError, LockOptionsError } from '../../core/lock-errors.js';
import { dialectOf } from './dialects.js';
import { lockTables, type LockTables } from './lock-tables.js';
import { dataSourceOf } from './own-data-source.js';
import { defaultSchema } from './typeorm-options.js';

/** Where the tokens are kept. */
export interface AssertFreshOptions {
  /**
   * As `typeOrmLocks({ table })`; the tokens are in the table of that name with `_fence` after it.
   */
  readonly table?: string;
}

/** Somebody with a newer token has written to this resource: ours has been taken over. */
export class StaleTokenError extends LockError {
  override readonly name = 'StaleTokenError';

  constructor(
    readonly resource: string,
    readonly token: number,
    readonly newestToken: number,
  ) {
    super(
      'LOCK_LOST',
      resource,
      `Token ${token} is stale for ${JSON.stringify(resource)}: token ${newestToken} has been seen ` +
        'there. The lock was lost and taken over meanwhile; nothing of this transaction may be kept.',
    );
  }
}

const LONGEST_RESOURCE_BYTES = 255;

/**
 * Throws `StaleTokenError`, which must roll the transaction back, if a newer token than `token`
 * was ever seen for `resource`; otherwise this is the newest now. Later ones wait until this
 * transaction ends. The same token passes as often as it likes.
 *
 * @param manager that of the transaction that writes the data.
 * @example
 * await dataSource.transaction(async (manager) => {
 *   await assertFresh(manager, `account:${id}`, lock.token);
 *   await manager.decrement(Account, { id }, 'balance', amount);
 * });
 */
export async function assertFresh(
  manager: EntityManager,
  resource: string,
  token: number,
  options: AssertFreshOptions = {},
): Promise<void> {
  check(manager, resource, token);
  const dataSource = dataSourceOf(manager);
  const dialect = dialectOf(dataSource);
  const tables = lockTables(options.table, defaultSchema(dataSource));
  const newest = await dialect
    .freshen(manager, tables, { resource, token })
    .catch((error: unknown) => {
      throw dialect.isMissingSchema(error) ? missingTable(dataSource, tables, error) : error;
    });
  if (newest > token) throw new StaleTokenError(resource, token, newest);
}

/**
 * Makes the table of `assertFresh` where no migration does. Harmless if it is there.
 *
 * @example
 * await createFenceTable(dataSource);
 */
export async function createFenceTable(
  dataSource: DataSource,
  options: AssertFreshOptions = {},
): Promise<void> {
  const tables = lockTables(options.table, defaultSchema(dataSource));
  for (const statement of dialectOf(dataSource).createFenceStatements(tables)) {
    await dataSource.query(statement);
  }
}

function check(manager: EntityManager, resource: string, token: number): void {
  if (manager.queryRunner?.isTransactionActive !== true) {
    throw new LockOptionsError('manager', manager, 'that of an open transaction');
  }
  const bytes = typeof resource === 'string' ? Buffer.byteLength(resource) : 0;
  if (bytes < 1 || bytes > LONGEST_RESOURCE_BYTES) {
    throw new LockOptionsError('resource', resource, 'a string of 1 to 255 UTF-8 bytes');
  }
  if (!Number.isSafeInteger(token) || token < 0) {
    throw new LockOptionsError('token', token, 'the fencing token of a held lock');
  }
}

function missingTable(
  dataSource: DataSource,
  tables: LockTables,
  cause: unknown,
): LockOptionsError {
  const statements = dialectOf(dataSource).createFenceStatements(tables);
  const error = new LockOptionsError(
    'manager',
    dataSource,
    `of a database with the table ${tables.fences}: run DistributedLockMigration or FenceMigration, ` +
      `call createFenceTable(dataSource), or run:\n${statements.join(';\n')};\n`,
  );
  error.cause = cause;
  return error;
}
