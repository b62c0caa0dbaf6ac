/** Who takes part on Redis, in the order of the tables: the limits, ours, the peers. */
import type { Contender } from '../harness/contract.js';
import { bareRedisGathered } from './bare-redis-gathered.js';
import { bareBlpop, bareLine } from './bare-redis-waiting.js';
import { bareRedis, bareRedisLocalLine } from './bare-redis.js';
import { murlocks } from './murlock.js';
import { oursOnRedis } from './ours-on-stores.js';
import { redisSemaphores } from './redis-semaphore.js';
import { redlocks } from './redlock.js';
import { verrousOnRedis } from './verrou.js';

export const contenders: readonly Contender[] = [
  bareRedis,
  bareRedisGathered,
  bareRedisLocalLine,
  bareBlpop,
  bareLine,
  oursOnRedis,
  ...redlocks,
  ...redisSemaphores,
  ...murlocks,
  ...verrousOnRedis,
];
