/**
 * A driver, and the application's DataSource beside it, for any store of the fault tests. Loads
 * only what the store needs: takers are started by the dozen.
 */
import type { DataSource, DataSourceOptions } from 'typeorm';
import type { LockDriver } from '../../../lib/core/lock-driver.js';

export type StoreKind = 'redis' | 'postgres' | 'mariadb' | 'sqlite';

/** Where a store is; serialisable, because it travels to other processes. */
export type StoreAddress =
  | {
      readonly kind: 'redis';
      readonly url: string;
      readonly namespace: string;
      /** An SQLite file for data that a lock in Redis protects. */
      readonly dataFile: string;
    }
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
  /** That of the application; the first call connects. */
  data(): Promise<DataSource>;
  close(): Promise<void>;
}

export async function openStore(address: StoreAddress): Promise<OpenStore> {
  let opening: Promise<DataSource> | null = null;
  const data = (): Promise<DataSource> => (opening ??= openData(address));
  const close = async (): Promise<void> => {
    await (await opening)?.destroy();
  };
  if (address.kind === 'redis') {
    const { redisLocks } = await import('../../../lib/drivers/redis/index.js');
    const { url, namespace } = address;
    return { driver: redisLocks({ url, namespace }), data, close };
  }
  const { typeOrmLocks } = await import('../../../lib/drivers/typeorm/index.js');
  return { driver: typeOrmLocks({ dataSource: await data() }), data, close };
}

/** The application's own DataSource; started again and again while its database is down. */
export async function openData(address: StoreAddress): Promise<DataSource> {
  const { DataSource } = await import('typeorm');
  const options = await optionsOf(address);
  for (let tries = 1; ; tries += 1) {
    try {
      return await new DataSource(options).initialize();
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function optionsOf(address: StoreAddress): Promise<DataSourceOptions> {
  switch (address.kind) {
    case 'redis':
    case 'sqlite':
      return {
        type: 'better-sqlite3',
        driver: (await import('libsql')).default,
        database: address.kind === 'redis' ? address.dataFile : address.file,
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
