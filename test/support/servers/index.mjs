// @ts-check
/**
 * Real servers for tests, bench and race. `shared…()`: some server, with a database or namespace of
 * your own; the cheap way. `start…()`: a server of your own, to kill, pause and restart.
 */
export { startRedis, startRedisCluster, startRedisSentinel } from './redis.mjs';
export { startMariaDb, startPostgres } from './sql.mjs';
export { openBroker, sharedMariaDb, sharedPostgres, sharedRedis } from './shared.mjs';
