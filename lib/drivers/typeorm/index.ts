/** `nestjs-distributed-lock/typeorm`: locks in the application's own SQL database. */
export { typeOrmLocks } from './typeorm-driver.js';
export type { TypeOrmLocksOptions } from './typeorm-options.js';
export { DistributedLockMigration } from './lock-migration.js';
