/**
 * What the command line of the race may say, and a clear word for what it may not.
 */
import { parseArgs } from 'node:util';
import { STORES, type StoreKind } from '../store.js';
import type { RaceConfig } from './race.js';

/** A mistake on the command line or in the surroundings: one sentence, exit code 2. */
export class UsageError extends Error {}

const URLS: Readonly<Record<StoreKind, string>> = {
  sqlite: '',
  postgres: 'postgres://postgres:postgres@localhost:5432/postgres',
  mysql: 'mysql://root:root@localhost:3306/test',
  redis: 'redis://localhost:6379',
};

/** Where a store is when nobody says where it is. */
export function urlOf(store: StoreKind): string {
  return URLS[store];
}

export interface Arguments extends RaceConfig {
  /** Of the live page; 0: a free one. */
  readonly port: number;
}

export function readArguments(args: readonly string[]): Arguments {
  let values: Partial<Record<'store' | 'url' | 'instances' | 'create-ms' | 'port', string>>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        store: { type: 'string' },
        url: { type: 'string' },
        instances: { type: 'string' },
        'create-ms': { type: 'string' },
        port: { type: 'string' },
      },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const store = readStore(values.store ?? 'sqlite');
  return {
    store,
    url: readUrl(values.url ?? URLS[store]),
    instances: readNumber('--instances', values.instances ?? '10', 2, 50),
    createMs: readNumber('--create-ms', values['create-ms'] ?? '1000', 100, 60_000),
    port: readNumber('--port', values.port ?? '3000', 0, 65_535),
  };
}

export function readStore(store: string): StoreKind {
  const known = STORES.find((one) => one === store);
  if (known !== undefined) return known;
  throw new UsageError(
    `--store must be one of ${STORES.join(', ')}; got ${JSON.stringify(store)}.`,
  );
}

export function readNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isInteger(number) && number >= least && number <= most) {
    return number;
  }
  throw new UsageError(
    `${option} must be a whole number from ${least} to ${most}; got ${JSON.stringify(text)}.`,
  );
}

function readUrl(url: string): string {
  if (url === '' || URL.canParse(url)) return url;
  throw new UsageError(`--url must be a URL; got ${JSON.stringify(url)}.`);
}
