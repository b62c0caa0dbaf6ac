/**
 * The conformance kit behind Sentinel: one half of the rules, then the master dies, and the other
 * half runs on the replica that takes its place.
 */
import { Redis } from 'ioredis';
import { redisLocks } from '../../lib/drivers/redis/index.js';
import { conformanceRules, describeLockDriver } from '../../lib/testing/index.js';
import { eventually } from '../support/eventually.js';
import { startRedisSentinel } from '../support/servers/index.mjs';
import type { TestRedisSentinel } from '../support/servers/types.js';

let running: TestRedisSentinel;
const sentinel = (): { sentinels: { host: string; port: number }[]; name: string } => ({
  sentinels: [...running.sentinels],
  name: running.name,
});
const half = Math.ceil(conformanceRules.length / 2);
const drivers = {
  push: true,
  scale: 0.2,
  newDriver: () => redisLocks({ sentinel: sentinel() }),
  newDriverIn: (namespace: string) => redisLocks({ sentinel: sentinel(), namespace }),
};

describeLockDriver(
  'Redis behind Sentinel, before a failover',
  () => ({
    ...drivers,
    async start() {
      running = await startRedisSentinel();
    },
  }),
  conformanceRules.slice(0, half),
);

describeLockDriver(
  'Redis behind Sentinel, after a failover',
  () => ({
    ...drivers,
    async start() {
      await running.master.kill9();
      const client = new Redis(sentinel());
      client.on('error', () => undefined);
      await eventually(async () => {
        const role = (await client.call('role')) as string[];
        if (role[0] !== 'master') throw new Error('there is no master yet');
      });
      client.disconnect();
    },
    async stop() {
      await running.stop();
    },
  }),
  conformanceRules.slice(half),
);
