/** @verrou/core on Redis (ioredis) and on PostgreSQL (knex). Its documents: any retry delay. */
import type { Redis } from 'ioredis';
import type { BenchLock, Contender, MakeOptions } from '../harness/contract.js';
import { fromHold } from './from-hold.js';
import { load } from './load.js';

interface Lock {
  acquire(): Promise<boolean>;
  release(): Promise<void>;
}
interface Verrou {
  createLock(name: string, ttl: number): Lock;
}
interface Options {
  readonly retry?: { readonly delay: number; readonly timeout: number };
}
interface Modules {
  readonly LockFactory: new (store: unknown, options: Options) => Verrou;
}
interface RedisModule {
  readonly redisStore: (options: { connection: Redis }) => { factory(): unknown };
}
interface KnexModule {
  readonly knexStore: (options: object) => { factory(): unknown };
}
interface Knex {
  destroy(): Promise<void>;
}

async function makeLock(
  store: unknown,
  options: Options,
  ttlMs: number,
  close: () => Promise<void>,
): Promise<BenchLock> {
  const { LockFactory } = await load<Modules>('@verrou/core');
  const verrou = new LockFactory(store, options);
  return fromHold({
    async hold(name) {
      const lock = verrou.createLock(name, ttlMs);
      if (!(await lock.acquire())) throw new Error('not acquired');
      return () => lock.release();
    },
    close,
  });
}

async function onRedis(options: Options, { url, ttlMs = 30_000 }: MakeOptions) {
  const { Redis } = await import('ioredis');
  const { redisStore } = await load<RedisModule>('@verrou/core/drivers/redis');
  const connection = new Redis(url);
  return makeLock(redisStore({ connection }).factory(), options, ttlMs, async () => {
    connection.disconnect();
  });
}

async function onPostgres(options: Options, max: number, make: MakeOptions) {
  const { default: knex } = await load<{
    default: (config: object) => Knex;
  }>('knex');
  const { knexStore } = await load<KnexModule>('@verrou/core/drivers/knex');
  const connection = knex({ client: 'pg', connection: make.url, pool: { min: 0, max } });
  const store = knexStore({ connection }).factory();
  return makeLock(store, options, make.ttlMs ?? 30_000, () => connection.destroy());
}

const NO_RENEWAL = { renewing: 'does not renew by itself' } as const;
/** Without the timeout it gives up after 30 s. */
const BEST: Options = { retry: { delay: 10, timeout: 3_600_000 } };
const redis = {
  kind: 'peer',
  store: 'redis',
  packages: ['@verrou/core', 'ioredis'],
  sends: ['set', 'eval'],
  cannot: NO_RENEWAL,
} as const;
const postgres = {
  kind: 'peer',
  store: 'postgres',
  packages: ['@verrou/core', 'knex', 'pg'],
  cannot: NO_RENEWAL,
} as const;

export const verrousOnRedis: readonly Contender[] = [
  {
    ...redis,
    id: 'verrou-redis',
    title: '@verrou/core',
    settings: 'default',
    make: (options) => onRedis({}, options),
  },
  {
    ...redis,
    id: 'verrou-redis-best',
    title: '@verrou/core, retries every 10 ms',
    settings: 'best',
    make: (options) => onRedis(BEST, options),
  },
];

export const verrousOnPostgres: readonly Contender[] = [
  {
    ...postgres,
    id: 'verrou-postgres',
    title: '@verrou/core (knex)',
    settings: 'default',
    make: (options) => onPostgres({}, 10, options),
  },
  {
    ...postgres,
    id: 'verrou-postgres-best',
    title: '@verrou/core (knex), retries every 10 ms, pool of 20',
    settings: 'best',
    make: (options) => onPostgres(BEST, 20, options),
  },
];
