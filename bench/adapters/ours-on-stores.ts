/** Our library on each of its stores. */
import type { DataSourceOptions } from 'typeorm';
import type { Contender, MakeOptions, StoreKind } from '../harness/contract.js';
import { loadOurs, makeOurs } from './ours.js';

interface RedisEntry {
  redisLocks(options: { readonly url: string }): unknown;
}
interface TypeOrmEntry {
  typeOrmLocks(options: { readonly dataSource: unknown }): unknown;
}

function ours(store: StoreKind, packages: readonly string[], rest: Partial<Contender> = {}) {
  return {
    id: `ours-${store}`,
    title: 'nestjs-distributed-lock',
    kind: 'ours',
    store,
    settings: 'default',
    packages: ['nestjs-distributed-lock', ...packages],
    make: onTypeOrm(store),
    ...rest,
  } satisfies Contender;
}

/** The application has a DataSource; the driver takes what it needs from it. */
function onTypeOrm(store: StoreKind): Contender['make'] {
  return async (options: MakeOptions) => {
    const { DataSource } = await import('typeorm');
    const { typeOrmLocks } = await loadOurs<TypeOrmEntry>('/typeorm');
    const dataSource = new DataSource(await sourceOptions(store, options.url));
    await dataSource.initialize();
    return makeOurs(typeOrmLocks({ dataSource }), options, () => dataSource.destroy());
  };
}

async function sourceOptions(store: StoreKind, url: string): Promise<DataSourceOptions> {
  if (store === 'postgres') return { type: 'postgres', url };
  if (store === 'mariadb') return { type: 'mariadb', url };
  const { default: driver } = await import('libsql');
  return { type: 'better-sqlite3', driver, database: url };
}

export const oursOnRedis: Contender = ours('redis', ['ioredis'], {
  sends: ['evalsha', 'eval', 'script|load', 'subscribe'],
  async make(options) {
    const { redisLocks } = await loadOurs<RedisEntry>('/redis');
    return makeOurs(redisLocks({ url: options.url }), options);
  },
});
export const oursOnPostgres: Contender = ours('postgres', ['typeorm', 'pg']);
export const oursOnMariaDb: Contender = ours('mariadb', ['typeorm', 'mysql2']);
export const oursOnSqlite: Contender = ours('sqlite', ['typeorm', 'libsql']);
