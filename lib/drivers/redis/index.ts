/** `nestjs-distributed-lock/redis`: locks in Redis, through ioredis 5 or 6. */
import type { LockDriver } from '../../core/lock-driver.js';
import { RedisDriver } from './redis-driver.js';
import { checkOptions, type RedisLocksOptions } from './redis-options.js';

export type { RedisLocksOptions } from './redis-options.js';
export type { ClusterClient, RedisClient, SingleClient } from './redis-client.js';

/**
 * Locks in Redis: alone, behind Sentinel, or as a Cluster. Nothing is sent before the first use.
 *
 * @example
 * DistributedLockModule.forRoot({ driver: redisLocks({ url: 'redis://localhost:6379' }) })
 * @throws LockOptionsError if it is told something that cannot be meant
 */
export function redisLocks(options: RedisLocksOptions): LockDriver {
  return new RedisDriver(checkOptions(options));
}
