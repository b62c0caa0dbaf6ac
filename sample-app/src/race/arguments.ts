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

const SCHEMES: Readonly<Record<StoreKind, readonly string[]>> = {
  sqlite: [],
  postgres: ['postgres:', 'postgresql:'],
  mysql: ['mysql:', 'mariadb:'],
  redis: ['redis:', 'rediss:'],
};

const OPTIONS = ['store', 'url', 'instances', 'create-ms', 'port', 'picture'] as const;

/** Where a store is when nobody says where it is. */
export function urlOf(store: StoreKind): string {
  return URLS[store];
}

export interface Arguments extends RaceConfig {
  /** Of the live page, or of the balancer of the race. 0: a free one. */
  readonly port: number;
  /** The file that the picture is written to. */
  readonly picture: string;
}

/** @param port the one that is taken when none is given */
export function readArguments(args: readonly string[], { port }: { port: number }): Arguments {
  const values = parse(args);
  const store = readStore(values.store ?? 'sqlite');
  return {
    store,
    url: readUrl(store, values.url),
    instances: readNumber('--instances', values.instances ?? '10', 2, 50),
    createMs: readNumber('--create-ms', values['create-ms'] ?? '1000', 100, 60_000),
    port: readNumber('--port', values.port ?? String(port), 0, 65_535),
    picture: values.picture ?? 'race.html',
  };
}

function parse(args: readonly string[]): Partial<Record<(typeof OPTIONS)[number], string>> {
  const options = Object.fromEntries(OPTIONS.map((name) => [name, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('. ');
    throw new UsageError(
      `${reason}; the options are --${OPTIONS.join(', --')}, each with a value.`,
    );
  }
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

function readUrl(store: StoreKind, url: string | undefined): string {
  if (url === undefined) return URLS[store];
  const schemes = SCHEMES[store];
  if (schemes.length === 0) {
    throw new UsageError(`--url does not go with --store ${store}, which is a file of our own.`);
  }
  if (URL.canParse(url) && schemes.includes(new URL(url).protocol)) return url;
  throw new UsageError(
    `--url must be a URL that begins with ${schemes.map((one) => `${one}//`).join(' or ')} for ` +
      `--store ${store}; got ${JSON.stringify(url)}.`,
  );
}
