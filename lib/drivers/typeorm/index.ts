/** `nestjs-distributed-lock/typeorm`: locks in the application's own SQL database. */
export { typeOrmLocks } from './typeorm-driver.js';
export type { TypeOrmLocksOptions } from './typeorm-options.js';
export { fencedTransaction, type FencedLock } from './fenced-transaction.js';
export {
  assertFresh,
  createFenceTable,
  StaleTokenError,
  type AssertFreshOptions,
} from './assert-fresh.js';
export { DistributedLockMigration, FenceMigration } from './lock-migration.js';
