/**
 * The stores that the sample can run on. The resources live in the SQL database that is chosen;
 * with Redis, which keeps the locks only, they live in SQLite.
 */
import Database from 'libsql';
import { redisLocks } from 'nestjs-distributed-lock/redis';
import { typeOrmLocks } from 'nestjs-distributed-lock/typeorm';
import type { LockDriver } from 'nestjs-distributed-lock';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { CreationEntity } from './resources/creation.entity.js';
import { ResourceEntity } from './resources/resource.entity.js';

export const STORES = ['sqlite', 'postgres', 'mysql', 'redis'] as const;
export type StoreKind = (typeof STORES)[number];

export interface StoreChoice {
  readonly kind: StoreKind;
  /** Of the server; not used by `sqlite`. */
  readonly url: string;
  /** Where SQLite keeps its file; used by `sqlite` and `redis`. */
  readonly file: string;
}

const CONNECT_WITHIN_MS = 5_000;

/** How the application reaches its data. */
export function dataSourceOptions({ kind, url, file }: StoreChoice): DataSourceOptions {
  const entities = [ResourceEntity, CreationEntity];
  switch (kind) {
    case 'postgres':
      return { type: 'postgres', url, entities, poolSize: 4, connectTimeoutMS: CONNECT_WITHIN_MS };
    case 'mysql':
      return { type: 'mysql', url, entities, poolSize: 4, connectTimeout: CONNECT_WITHIN_MS };
    default:
      return {
        type: 'better-sqlite3',
        driver: Database,
        database: file,
        entities,
        enableWAL: true,
        timeout: 2_000,
      };
  }
}

/** Where the locks are: beside the data, or in Redis. */
export function lockDriver(choice: StoreChoice, dataSource: DataSource): LockDriver {
  if (choice.kind === 'redis') return redisLocks({ url: choice.url, namespace: 'sample' });
  return typeOrmLocks({ dataSource });
}
