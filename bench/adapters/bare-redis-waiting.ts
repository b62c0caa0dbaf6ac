/**
 * The two least ways to hand a name from process to process on Redis: a list that everybody blocks
 * on, and a line whose head is told by a push. Both as bare as can be: nobody in the line ever dies
 * here.
 */
import { Redis } from 'ioredis';
import type { Contender } from '../harness/contract.js';
import { COMPARE_AND_DELETE } from './bare-redis.js';
import { fromHold } from './from-hold.js';

const LOCAL = 'one caller a process is all it knows';
const CANNOT = { pairs: 'is made for waiting', 'hot-name-one-process': LOCAL } as const;

type Script = (...keysAndArguments: string[]) => Promise<string | number | null>;

const FILL_ONCE = `
if redis.call('set', KEYS[1], 1, 'NX') then redis.call('rpush', KEYS[2], 1) end
return 1`;

const GIVE_BACK_AND_PUSH = `${COMPARE_AND_DELETE.replace(
  'then return',
  "then redis.call('rpush', KEYS[2], 1) return",
)}`;

export const bareBlpop: Contender = {
  id: 'bare-blpop',
  title: 'ioredis: BLPOP on a list with one element',
  kind: 'bare',
  store: 'redis',
  settings: '-',
  packages: ['ioredis'],
  sends: ['blpop', 'set', 'evalsha'],
  cannot: CANNOT,
  async make({ url, process }) {
    const blocking = new Redis(url);
    const client = new Redis(url);
    client.defineCommand('fillOnce', { numberOfKeys: 2, lua: FILL_ONCE });
    client.defineCommand('giveBack', { numberOfKeys: 2, lua: GIVE_BACK_AND_PUSH });
    const { fillOnce, giveBack } = client as unknown as Record<'fillOnce' | 'giveBack', Script>;
    const filled = new Set<string>();
    let count = 0;
    return fromHold({
      async hold(name) {
        const list = `${name}:list`;
        if (!filled.has(name)) {
          await fillOnce.call(client, `${name}:filled`, list);
          filled.add(name);
        }
        const owner = `${process}:${++count}`;
        await blocking.blpop(list, 0);
        await client.set(name, owner, 'PX', 30_000);
        return async () => {
          await giveBack.call(client, name, list, owner);
        };
      },
      async close() {
        blocking.disconnect();
        client.disconnect();
      },
    });
  },
};

const TAKE_OR_QUEUE = `
if redis.call('set', KEYS[1], ARGV[1], 'PX', 30000, 'NX') then return 1 end
redis.call('rpush', KEYS[2], ARGV[1])
return 0`;

const HAND_OVER = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
local nextOwner = redis.call('lpop', KEYS[2])
if not nextOwner then redis.call('del', KEYS[1]) return 1 end
redis.call('set', KEYS[1], nextOwner, 'PX', 30000)
redis.call('publish', string.match(nextOwner, '^[^|]+'), nextOwner)
return 1`;

export const bareLine: Contender = {
  ...bareBlpop,
  id: 'bare-line',
  title: 'ioredis: a line in Redis, the grant pushed to the next',
  sends: ['evalsha'],
  async make({ url, process }) {
    const client = new Redis(url);
    const subscriber = new Redis(url);
    client.defineCommand('takeOrQueue', { numberOfKeys: 2, lua: TAKE_OR_QUEUE });
    client.defineCommand('handOver', { numberOfKeys: 2, lua: HAND_OVER });
    const { takeOrQueue, handOver } = client as unknown as Record<
      'takeOrQueue' | 'handOver',
      Script
    >;
    const waiting = new Map<string, () => void>();
    subscriber.on('message', (_channel, owner) => waiting.get(owner)?.());
    await subscriber.subscribe(process);
    let count = 0;
    return fromHold({
      async hold(name) {
        const owner = `${process}|${++count}`;
        const granted = new Promise<void>((resolve) => waiting.set(owner, resolve));
        if ((await takeOrQueue.call(client, name, `${name}:line`, owner)) === 0) await granted;
        waiting.delete(owner);
        return async () => {
          await handOver.call(client, name, `${name}:line`, owner);
        };
      },
      async close() {
        subscriber.disconnect();
        client.disconnect();
      },
    });
  },
};
