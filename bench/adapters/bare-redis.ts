/**
 * The least that a lock on Redis costs with one connection: `SET NX PX` to take, and a script that
 * compares and deletes to give back. Waiting is not part of it.
 */
import { Redis } from 'ioredis';
import type { Contender } from '../harness/contract.js';
import { fromHold } from './from-hold.js';

export const COMPARE_AND_DELETE = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`;

export interface BareClient extends Redis {
  compareAndDelete(key: string, owner: string): Promise<number>;
}

export function bareClient(url: string): BareClient {
  const client = new Redis(url);
  client.defineCommand('compareAndDelete', { numberOfKeys: 1, lua: COMPARE_AND_DELETE });
  return client as BareClient;
}

const WAITS = 'does not wait for a name that is taken';

export const bareRedis: Contender = {
  id: 'bare-redis',
  title: 'ioredis: SET NX PX, EVALSHA compare and delete',
  kind: 'bare',
  store: 'redis',
  settings: '-',
  packages: ['ioredis'],
  sends: ['set', 'evalsha'],
  cannot: {
    'hot-name-one-process': WAITS,
    'hot-name-ten-processes': WAITS,
    'ten-instance-race': WAITS,
  },
  async make({ url, process }) {
    const client = bareClient(url);
    let count = 0;
    return fromHold({
      async hold(name) {
        const owner = `${process}:${++count}`;
        if ((await client.set(name, owner, 'PX', 30_000, 'NX')) !== 'OK') throw new Error('held');
        return async () => {
          if ((await client.compareAndDelete(name, owner)) !== 1) throw new Error('lost');
        };
      },
      async close() {
        client.disconnect();
      },
    });
  },
};

/** Callers of one process stand in a line of promises; each turn still asks the store. */
export const bareRedisLocalLine: Contender = {
  ...bareRedis,
  id: 'bare-redis-local-line',
  title: 'the same, callers in a line of promises, each turn through the store',
  cannot: {
    pairs: 'is the same there',
    'hot-name-ten-processes': WAITS,
    'ten-instance-race': WAITS,
  },
  async make(options) {
    const bare = await bareRedis.make(options);
    let last: Promise<void> = Promise.resolve();
    return {
      ...bare,
      withLock(name, body) {
        const mine = last.then(() => bare.withLock(name, body));
        last = mine.catch(() => undefined);
        return mine;
      },
    };
  },
};
