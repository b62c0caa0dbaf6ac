/**
 * Whether the store can be reached at all: asked once before anything is started, so that a wrong
 * address is one sentence within seconds and not ten processes that complain.
 */
import { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { dataSourceOptions, type StoreKind } from '../store.js';
import { UsageError } from './arguments.js';

const WITHIN_MS = 8_000;

/** Throws a `UsageError` when it cannot. SQLite always can. */
export async function checkStore(store: StoreKind, url: string): Promise<void> {
  if (store === 'sqlite') return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`it gave no answer for ${WITHIN_MS / 1_000} s`));
    }, WITHIN_MS);
  });
  try {
    await Promise.race([store === 'redis' ? askRedis(url) : askSql(store, url), late]);
  } catch (error) {
    throw new UsageError(
      `The store ${store} at ${withoutPassword(url)} could not be reached (${reasonOf(error)}); ` +
        'start it, or say with --url where it is.',
    );
  } finally {
    clearTimeout(timer);
  }
}

async function askRedis(url: string): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  let reason: unknown;
  // Why it failed is told to this listener only; the call is told that the connection is closed.
  client.on('error', (error) => (reason = error));
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    throw reason ?? error;
  } finally {
    client.disconnect();
  }
}

async function askSql(kind: 'postgres' | 'mysql', url: string): Promise<void> {
  const dataSource = new DataSource(dataSourceOptions({ kind, url, file: '' }));
  await dataSource.initialize();
  await dataSource.destroy();
}

/** `localhost` has two addresses: Node then throws an error of errors, without a message. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  const text = error.message !== '' ? error.message : typeof code === 'string' ? code : error.name;
  return text.replace(/\s+/g, ' ').replace(/[.\s]+$/, '');
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  if (shown.password !== '') shown.password = '***';
  return shown.href;
}
