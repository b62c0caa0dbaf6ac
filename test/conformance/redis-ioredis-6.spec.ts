/**
 * The conformance kit on Redis with ioredis 6. It is installed beside ioredis 5 under another name;
 * for connections of the driver's own it is put in its place.
 */
import { jest } from '@jest/globals';
import { Redis } from 'ioredis-6';
import { describeLockDriver } from '../../lib/testing/index.js';
import { sharedRedis } from '../support/servers/index.mjs';

jest.unstable_mockModule('ioredis', () => import('ioredis-6'));
const { redisLocks } = await import('../../lib/drivers/redis/index.js');

describeLockDriver('Redis, through a connection of its own with ioredis 6', () => {
  let url = '';
  let namespace = '';
  return {
    push: true,
    scale: 0.3,
    async start() {
      ({ url, namespace } = await sharedRedis());
    },
    newDriver: () => redisLocks({ url, namespace }),
    newDriverIn: (other) => redisLocks({ url, namespace: `${namespace}:${other}` }),
  };
});

describeLockDriver('Redis, through a lent client of ioredis 6 with a key prefix', () => {
  let url = '';
  let namespace = '';
  const clients: Redis[] = [];
  const lend = (): Redis => {
    const client = new Redis(url, { keyPrefix: 'app[1]*:' });
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
