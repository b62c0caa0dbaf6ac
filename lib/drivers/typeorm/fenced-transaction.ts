/**
 * A transaction that cannot commit late. Its last statement before the commit proves on the lock's
 * own row that the lease is still held, and keeps that row locked until the commit: whoever wants
 * to take the lock over waits for it. A process that was paused for an hour wakes up and is rolled
 * back.
 *
 * The row is locked last and not first, so that renewals of the very lease go on during long work.
 * SQLite cannot: there the whole file is locked first, so the work must be shorter than the lease.
 */
import type { DataSource, EntityManager } from 'typeorm';
import type { Lease } from '../../core/lease.js';
import type { LockDriver } from '../../core/lock-driver.js';
import { LockLostError, LockOptionsError } from '../../core/lock-errors.js';
import { dialectOf } from './dialects.js';
import { dataSourceOf } from './own-data-source.js';
import type { Hold } from './sql-dialect.js';
import { locationOf, type SqlLocation } from './typeorm-driver.js';

/** What is needed of a `HeldLock`. */
export interface FencedLock {
  readonly name: string;
  readonly owner: string;
  readonly token: number;
  readonly lease: Lease;
  readonly driver: LockDriver;
  assertHeld(): void;
}

/**
 * Runs `work` in a transaction of the application's `DataSource` that commits only if `lock` is
 * held at the commit. Otherwise everything is rolled back and it rejects with `LockLostError`.
 * What `work` throws rolls back and passes through, untouched.
 *
 * The lock must be of `typeOrmLocks` and live in the same database; for others, see `assertFresh`.
 *
 * @example
 * await locks.withLock(`account:${id}`, async (lock) => {
 *   await fencedTransaction(dataSource, lock, async (manager) => {
 *     await manager.decrement(Account, { id }, 'balance', amount);
 *   });
 * });
 */
export async function fencedTransaction<T>(
  dataSource: DataSource,
  lock: FencedLock,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  const location = checkLocation(dataSource, lock);
  const { dialect } = location;
  lock.assertHeld();
  // Outside the transaction: it must not begin with a read that has nothing to do with the work.
  if (dialect.begin === undefined) await checkDatabase(dataSource.manager, lock, location);
  return dataSource.transaction(async (manager) => {
    if (dialect.begin !== undefined) await checkDatabase(manager, lock, location);
    const result = await work(manager);
    // This turn, locally: the lease may have passed to the next caller in this process.
    lock.assertHeld();
    if (!(await dialect.fence(manager, location.tables, holdOf(lock)))) throw lost(lock);
    return result;
  });
}

function checkLocation(dataSource: DataSource, lock: FencedLock): SqlLocation {
  const location = locationOf(lock.driver);
  if (location === null) {
    throw new LockOptionsError(
      'lock',
      lock,
      `a lock of typeOrmLocks (this one is in ${lock.driver.storeName}; assertFresh guards ` +
        'transactions by the token of any lock)',
      lock.name,
    );
  }
  if (dialectOf(dataSource) !== location.dialect) throw elsewhere(dataSource, lock, location);
  if (!dataSource.isInitialized) {
    throw new LockOptionsError(
      'dataSource',
      dataSource,
      'initialised before it is used',
      lock.name,
    );
  }
  return location;
}

/** An owner is unique in the world, so its row is there or this is another database. */
async function checkDatabase(
  manager: EntityManager,
  lock: FencedLock,
  location: SqlLocation,
): Promise<void> {
  const { dialect, tables } = location;
  try {
    await dialect.begin?.(manager, tables);
    if (await dialect.knows(manager, tables, holdOf(lock))) return;
  } catch (error) {
    if (!dialect.isMissingSchema(error)) throw error;
    throw elsewhere(dataSourceOf(manager), lock, location, error);
  }
  const { owner, token } = await lock.driver.inspect(lock.name);
  const isHeldElsewhere = owner === lock.owner && token === lock.lease.token;
  throw isHeldElsewhere ? elsewhere(dataSourceOf(manager), lock, location) : lost(lock);
}

function holdOf({ name, owner, lease }: FencedLock): Hold {
  return { name, owner, token: lease.token };
}

function lost({ name, owner, token, lease }: FencedLock): LockLostError {
  return new LockLostError(name, owner, token, lease.ttlMs, 'refused');
}

function elsewhere(
  dataSource: DataSource,
  lock: FencedLock,
  { dialect, tables }: SqlLocation,
  cause?: unknown,
): LockOptionsError {
  const error = new LockOptionsError(
    'dataSource',
    dataSource,
    `connected to the database that lock ${JSON.stringify(lock.name)} lives in ` +
      `(${dialect.storeName}, table ${tables.locks}), or nothing could be proved there`,
    lock.name,
  );
  if (cause !== undefined) error.cause = cause;
  return error;
}
