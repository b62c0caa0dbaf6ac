/** The conformance kit on a Redis Cluster of three nodes, with ioredis 5 and ioredis 6. */
import { Cluster as Cluster6 } from 'ioredis-6';
import { redisLocks } from '../../lib/drivers/redis/index.js';
import { describeLockDriver } from '../../lib/testing/index.js';
import { startRedisCluster } from '../support/servers/index.mjs';
import type { TestRedisCluster } from '../support/servers/types.js';

function once(): () => Promise<TestRedisCluster> {
  let starting: Promise<TestRedisCluster> | null = null;
  return () => (starting ??= startRedisCluster());
}

const cluster = once();
let running: TestRedisCluster;

describeLockDriver('a Redis Cluster, through a connection of its own', () => ({
  push: true,
  scale: 0.3,
  async start() {
    running = await cluster();
  },
  newDriver: () => redisLocks({ cluster: { nodes: running.roots } }),
  newDriverIn: (namespace) => redisLocks({ cluster: { nodes: running.roots }, namespace }),
}));

describeLockDriver('a Redis Cluster, through a client of ioredis 6', () => {
  const clients: Cluster6[] = [];
  const lend = (): Cluster6 => {
    const client = new Cluster6([...running.roots], { keyPrefix: 'app:' });
    clients.push(client);
    return client;
  };
  return {
    push: true,
    scale: 0.2,
    async start() {
      running = await cluster();
    },
    async stop() {
      for (const client of clients) client.disconnect();
      await running.stop();
    },
    newDriver: () => redisLocks({ client: lend() }),
    newDriverIn: (namespace) => redisLocks({ client: lend(), namespace }),
  };
});
