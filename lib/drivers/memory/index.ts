/**
 * `nestjs-distributed-lock/memory`: locks inside one process, for unit tests and small
 * applications.
 */
export { memoryLocks, type MemoryLocksOptions } from './memory-driver.js';
export { MemoryStore, type MemoryStoreOptions } from './memory-store.js';
