/** The conformance kit on Redis with ioredis 5: a connection of its own, and a lent client. */
import { Redis } from 'ioredis';
import { redisLocks } from '../../lib/drivers/redis/index.js';
import { describeLockDriver } from '../../lib/testing/index.js';
import { sharedRedis } from '../support/servers/index.mjs';

describeLockDriver('Redis, through a connection of its own', () => {
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

describeLockDriver('Redis, through a lent client with a key prefix', () => {
  let url = '';
  let namespace = '';
  const clients: Redis[] = [];
  const lend = (): Redis => {
    const client = new Redis(url, { keyPrefix: 'app[1]*:', enableAutoPipelining: true });
    clients.push(client);
    return client;
  };
  return {
    push: true,
    scale: 0.2,
    async start() {
      ({ url, namespace } = await sharedRedis());
    },
    async stop() {
      for (const client of clients) client.disconnect();
    },
    newDriver: () => redisLocks({ client: lend(), namespace }),
    newDriverIn: (other) => redisLocks({ client: lend(), namespace: `${namespace}:${other}` }),
  };
});
