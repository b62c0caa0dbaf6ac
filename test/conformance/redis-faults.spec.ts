/**
 * The rules of the kit that need a Redis to themselves: its connections are cut, it is restarted
 * and emptied, and its commands are counted.
 */
import { Redis } from 'ioredis';
import type { LockDriver } from '../../lib/core/lock-driver.js';
import { redisLocks } from '../../lib/drivers/redis/index.js';
import { conformanceRules, describeLockDriver, type Capability } from '../../lib/testing/index.js';
import { startRedis } from '../support/servers/index.mjs';
import type { TestServer } from '../support/servers/types.js';
import { TcpGate } from '../typeorm/support/tcp-gate.js';

const NEEDS: readonly Capability[] = ['forget', 'cut', 'restart', 'commands'];

describeLockDriver(
  'Redis, cut off, restarted and emptied',
  () => {
    let server: TestServer | null = null;
    let admin: Redis | null = null;
    const gates = new Map<LockDriver, TcpGate>();
    return {
      push: true,
      async start() {
        server = await startRedis();
        admin = new Redis(server.url);
        admin.on('error', () => undefined);
      },
      async stop() {
        admin?.disconnect();
        for (const gate of gates.values()) await gate.shut();
        await server?.stop();
      },
      async newDriver() {
        if (server === null) throw new Error('Redis is not started.');
        const gate = new TcpGate(server);
        await gate.open();
        const driver = redisLocks({ url: `redis://127.0.0.1:${gate.port}` });
        gates.set(driver, gate);
        return driver;
      },
      async forget() {
        await admin?.flushall();
      },
      async commands() {
        const stats = (await admin?.info('stats')) ?? '';
        return Number(/total_commands_processed:(\d+)/.exec(stats)?.[1]);
      },
      async cut(driver) {
        await gates.get(driver)?.shut();
      },
      async restore(driver) {
        await gates.get(driver)?.open();
      },
      async restart() {
        await server?.restart();
      },
    };
  },
  conformanceRules.filter((rule) => rule.needs.some((need) => NEEDS.includes(need))),
);
