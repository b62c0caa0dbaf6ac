/**
 * The Mutex of redis-semaphore on ioredis. Its documents: any `retryInterval`, any
 * `acquireTimeout`.
 */
import { Redis } from 'ioredis';
import type { Contender, MakeOptions } from '../harness/contract.js';
import { fromHold } from './from-hold.js';
import { load } from './load.js';

interface Options {
  readonly acquireTimeout?: number;
  readonly retryInterval?: number;
  readonly lockTimeout?: number;
}
type MakeMutex = new (
  client: Redis,
  name: string,
  options: Options,
) => { acquire(): Promise<void>; release(): Promise<void> };

async function make(settings: Options, { url, ttlMs }: MakeOptions) {
  const { Mutex } = await load<{ Mutex: MakeMutex }>('redis-semaphore');
  const client = new Redis(url);
  const options = { ...settings, ...(ttlMs === undefined ? {} : { lockTimeout: ttlMs }) };
  return fromHold({
    async hold(name) {
      const mutex = new Mutex(client, name, options);
      await mutex.acquire();
      return () => mutex.release();
    },
    async close() {
      client.disconnect();
    },
  });
}

const shared = {
  kind: 'peer',
  store: 'redis',
  packages: ['redis-semaphore', 'ioredis'],
  sends: ['set', 'eval', 'evalsha'],
} as const;

export const redisSemaphores: readonly Contender[] = [
  {
    ...shared,
    id: 'redis-semaphore',
    title: 'redis-semaphore',
    settings: 'default',
    make: (options) => make({}, options),
  },
  {
    ...shared,
    id: 'redis-semaphore-best',
    title: 'redis-semaphore, retries every 2 ms for an hour',
    settings: 'best',
    make: (options) => make({ acquireTimeout: 3_600_000, retryInterval: 2 }, options),
  },
];
