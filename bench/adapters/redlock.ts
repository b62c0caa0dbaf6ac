/** redlock 4, redlock 5 (beta), and the fork of it by Sesame Care: one family, all on ioredis. */
import { Redis } from 'ioredis';
import type { Contender, MakeOptions } from '../harness/contract.js';
import { fromHold, holdByBody } from './from-hold.js';
import { load } from './load.js';

interface Settings {
  readonly retryCount?: number;
  readonly retryDelay?: number;
  readonly retryJitter?: number;
}

/** Their documents: -1 tries without end; delay and jitter are free. */
const BEST: Settings = { retryCount: -1, retryDelay: 10, retryJitter: 10 };
const TTL_MS = 30_000;

interface Redlock4 {
  lock(name: string, ttlMs: number): Promise<{ unlock(): Promise<void> }>;
}
type MakeRedlock4 = new (clients: readonly Redis[], settings: Settings) => Redlock4;

async function makeRedlock4(settings: Settings, { url, ttlMs = TTL_MS }: MakeOptions) {
  const { default: Redlock } = await load<{ default: MakeRedlock4 }>('redlock-4');
  const client = new Redis(url);
  const redlock = new Redlock([client], settings);
  return fromHold({
    async hold(name) {
      const lock = await redlock.lock(name, ttlMs);
      return () => lock.unlock();
    },
    async close() {
      client.disconnect();
    },
  });
}

interface Redlock5 {
  acquire(names: string[], ttlMs: number): Promise<{ release(): Promise<unknown> }>;
  using(names: string[], ttlMs: number, body: () => Promise<void>): Promise<void>;
  on(event: 'error', listener: () => void): void;
}
type MakeRedlock5 = new (clients: readonly Redis[], settings: Settings) => Redlock5;

async function makeRedlock5(Redlock: MakeRedlock5, settings: Settings, options: MakeOptions) {
  const { url, ttlMs = TTL_MS } = options;
  const client = new Redis(url);
  const redlock = new Redlock([client], settings);
  // It tells of every try that found the name taken.
  redlock.on('error', () => {});
  const withLock = (name: string, body: () => Promise<void>): Promise<void> =>
    redlock.using([name], ttlMs, body);
  return {
    ...fromHold({
      hold: holdByBody(withLock),
      withLock,
      async close() {
        client.disconnect();
      },
    }),
    async pair(name: string) {
      const lock = await redlock.acquire([name], ttlMs);
      await lock.release();
    },
  };
}

function both(
  contender: Pick<Contender, 'id' | 'title' | 'packages' | 'cannot'>,
  make: (settings: Settings, options: MakeOptions) => ReturnType<Contender['make']>,
): Contender[] {
  const shared = { ...contender, kind: 'peer', store: 'redis' } as const;
  return [
    { ...shared, settings: 'default', make: (options) => make({}, options) },
    {
      ...shared,
      id: `${contender.id}-best`,
      title: `${contender.title}, retries every 10–20 ms without end`,
      settings: 'best',
      make: (options) => make(BEST, options),
    },
  ];
}

export const redlocks: readonly Contender[] = [
  ...both(
    {
      id: 'redlock-4',
      title: 'redlock 4',
      packages: ['redlock-4', 'ioredis'],
      cannot: { renewing: 'does not renew' },
    },
    makeRedlock4,
  ),
  ...both(
    { id: 'redlock-5', title: 'redlock 5 beta', packages: ['redlock-5', 'ioredis'] },
    async (settings, options) => {
      const { default: Redlock } = await load<{
        default: MakeRedlock5;
      }>('redlock-5');
      return makeRedlock5(Redlock, settings, options);
    },
  ),
  ...both(
    {
      id: 'sesamecare-redlock',
      title: '@sesamecare-oss/redlock',
      packages: ['@sesamecare-oss/redlock', 'ioredis'],
    },
    async (settings, options) => {
      const { Redlock } = await load<{
        Redlock: MakeRedlock5;
      }>('@sesamecare-oss/redlock');
      return makeRedlock5(Redlock, settings, options);
    },
  ),
];
