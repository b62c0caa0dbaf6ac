/** A driver, and the application's DataSource beside it, for any store of the fault tests. */
import Database from 'libsql';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { LockDriver } from '../../../lib/core/lock-driver.js';
import { redisLocks } from '../../../lib/drivers/redis/index.js';
import { typeOrmLocks } from '../../../lib/drivers/typeorm/index.js';

export type StoreKind = 'redis' | 'postgres' | 'mariadb' | 'sqlite';

/** Where a store is; serialisable, because it travels to other processes. */
export type StoreAddress =
  | { readonly kind: 'redis'; readonly url: string; readonly namespace: string }
  | {
      readonly kind: 'postgres' | 'mariadb';
      readonly host: string;
      readonly port: number;
      readonly username: string;
      readonly password: string;
      readonly database: string;
    }
  | { readonly kind: 'sqlite'; readonly file: string };

export interface OpenStore {
  readonly driver: LockDriver;
  /** `null` for Redis. */
  readonly dataSource: DataSource | null;
}

export async function openStore(address: StoreAddress): Promise<OpenStore> {
  if (address.kind === 'redis') {
    const { url, namespace } = address;
    return { driver: redisLocks({ url, namespace }), dataSource: null };
  }
  const dataSource = await new DataSource(optionsOf(address)).initialize();
  return { driver: typeOrmLocks({ dataSource }), dataSource };
}

export function optionsOf(address: Exclude<StoreAddress, { kind: 'redis' }>): DataSourceOptions {
  switch (address.kind) {
    case 'sqlite':
      return {
        type: 'better-sqlite3',
        driver: Database,
        database: address.file,
        enableWAL: true,
        timeout: 2_000,
      };
    case 'postgres': {
      const { kind, ...rest } = address;
      return { type: kind, ...rest, poolSize: 3, poolErrorHandler: () => undefined };
    }
    case 'mariadb': {
      const { kind, ...rest } = address;
      return { type: kind, ...rest, poolSize: 3 };
    }
  }
}
