/**
 * `nestjs-distributed-lock`: what a Nest application touches. The drivers have entries of their
 * own (`/redis`, `/typeorm`, `/memory`), so that nobody loads a client that he does not use.
 */
export { DistributedLockModule } from './distributed-lock.module.js';
export type {
  DistributedLockAsyncOptions,
  DistributedLockModuleExtras,
  DistributedLockOptions,
  DistributedLockOptionsFactory,
} from './distributed-lock.options.js';
export { LockService } from './lock.service.js';
export { InjectLockService, getLockServiceToken } from './lock.tokens.js';
export { LockExceptionFilter } from './lock-exception.filter.js';
export { WithLock } from './with-lock.decorator.js';
export type {
  BusyError,
  LockNames,
  LockedMethod,
  NameFunction,
  WhenHeld,
  WithLockOptions,
} from './with-lock.types.js';

export { HeldLock } from './core/held-lock.js';
export { HeldLocks } from './core/held-locks.js';
export type { Ending, EndingError, JsonValue, Lease, LockPhase, LockState } from './core/lease.js';
export { LINE_TIMES } from './core/lock-driver.js';
export type {
  AcquireAnswer,
  AcquireRequest,
  Granted,
  ListQuery,
  LockDriver,
  Refused,
  ReleaseAnswer,
  ReleaseRequest,
  RenewRequest,
  Wake,
  WatchAnswer,
} from './core/lock-driver.js';
export {
  LockError,
  LockHeldError,
  LockLostError,
  LockOptionsError,
  LockReentryError,
  LockShutdownError,
  LockStoreError,
  LockWaitTimeoutError,
} from './core/lock-errors.js';
export type { HolderFacts, LockErrorCode, LossReason } from './core/lock-errors.js';
export type { LockEvent, LockObserver } from './core/lock-events.js';
export type { LockDefaults, LockOptions } from './core/lock-options.js';
