/** The conformance kit on a Redis server of its own. */
import { redisLocks } from '../../lib/drivers/redis/index.js';
import { describeLockDriver } from '../../lib/testing/index.js';
import { sharedRedis } from '../support/servers/index.mjs';

describeLockDriver('Redis, ioredis 5', () => {
  let url = '';
  let namespace = '';
  return {
    push: true,
    async start() {
      ({ url, namespace } = await sharedRedis());
    },
    newDriver: () => redisLocks({ url, namespace }),
    newDriverIn: (other) => redisLocks({ url, namespace: `${namespace}:${other}` }),
  };
});
