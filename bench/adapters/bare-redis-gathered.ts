/**
 * All calls that are made in one tick of the event loop travel as one script call: what one
 * connection can do at most, with nothing but the two operations in the scripts.
 */
import { Redis } from 'ioredis';
import type { Contender } from '../harness/contract.js';
import { bareRedis } from './bare-redis.js';
import { fromHold } from './from-hold.js';

const TAKE_MANY = `
local answers = {}
for i, key in ipairs(KEYS) do
  answers[i] = redis.call('set', key, ARGV[i], 'PX', 30000, 'NX') and 1 or 0
end
return answers`;

const GIVE_BACK_MANY = `
local answers = {}
for i, key in ipairs(KEYS) do
  if redis.call('get', key) == ARGV[i] then answers[i] = redis.call('del', key) else answers[i] = 0 end
end
return answers`;

/** More in one call keeps Redis from its other clients for too long. */
const MOST_IN_ONE = 256;

type Many = (count: number, ...keysAndOwners: string[]) => Promise<number[]>;

interface Ask {
  readonly name: string;
  readonly owner: string;
  readonly resolve: (answer: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects what is asked in one tick, and sends it together. */
function gather(send: Many): (name: string, owner: string) => Promise<number> {
  let asks: Ask[] = [];
  const flush = (): void => {
    const all = asks;
    asks = [];
    for (let from = 0; from < all.length; from += MOST_IN_ONE) {
      const some = all.slice(from, from + MOST_IN_ONE);
      const keys = some.map(({ name }) => name);
      send(keys.length, ...keys, ...some.map(({ owner }) => owner)).then(
        (answers) => some.forEach(({ resolve }, i) => resolve(answers[i] ?? 0)),
        (error: unknown) => some.forEach(({ reject }) => reject(error)),
      );
    }
  };
  return (name, owner) =>
    new Promise((resolve, reject) => {
      if (asks.push({ name, owner, resolve, reject }) === 1) setImmediate(flush);
    });
}

export const bareRedisGathered: Contender = {
  ...bareRedis,
  id: 'bare-redis-gathered',
  title: 'ioredis: all calls of a tick in one EVALSHA',
  sends: ['evalsha'],
  async make({ url, process }) {
    const client = new Redis(url);
    client.defineCommand('takeMany', { lua: TAKE_MANY });
    client.defineCommand('giveBackMany', { lua: GIVE_BACK_MANY });
    const { takeMany, giveBackMany } = client as unknown as Record<
      'takeMany' | 'giveBackMany',
      Many
    >;
    const take = gather(takeMany.bind(client));
    const giveBack = gather(giveBackMany.bind(client));
    let count = 0;
    return fromHold({
      async hold(name) {
        const owner = `${process}:${++count}`;
        if ((await take(name, owner)) !== 1) throw new Error('held');
        return async () => {
          if ((await giveBack(name, owner)) !== 1) throw new Error('lost');
        };
      },
      async close() {
        client.disconnect();
      },
    });
  },
};
