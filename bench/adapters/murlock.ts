/** murlock inside a Nest application, on node-redis, as its README sets it up. */
import 'reflect-metadata';
import type { BenchLock, Contender, MakeOptions } from '../harness/contract.js';
import { fromHold, holdByBody } from './from-hold.js';
import { load } from './load.js';

interface Options {
  readonly wait: number;
  readonly maxAttempts: number;
  readonly blocking: boolean;
}
interface Service {
  runWithLock(name: string, ttlMs: number, body: () => Promise<void>): Promise<void>;
}
interface Application {
  get(token: unknown): Service;
  close(): Promise<void>;
}
interface Murlock {
  readonly MurLockModule: { forRoot(options: Options & Record<string, unknown>): unknown };
  readonly MurLockService: unknown;
}
interface Nest {
  readonly NestFactory: {
    createApplicationContext(module: unknown, options: object): Promise<Application>;
  };
}

async function make(settings: Options, { url, ttlMs = 30_000 }: MakeOptions): Promise<BenchLock> {
  const { MurLockModule, MurLockService } = await load<Murlock>('murlock');
  const { NestFactory } = await load<Nest>('@nestjs/core');
  const module = MurLockModule.forRoot({
    redisOptions: { url },
    logLevel: 'none',
    ignoreUnlockFail: false,
    ...settings,
  });
  const application = await NestFactory.createApplicationContext(module, { logger: false });
  const service = application.get(MurLockService);
  const withLock = (name: string, body: () => Promise<void>): Promise<void> =>
    service.runWithLock(name, ttlMs, body);
  return {
    ...fromHold({ hold: holdByBody(withLock), withLock, close: () => application.close() }),
    pair: (name) => withLock(name, async () => {}),
  };
}

const shared = {
  kind: 'peer',
  store: 'redis',
  packages: ['murlock', 'redis'],
  cannot: { renewing: 'does not renew' },
} as const;

export const murlocks: readonly Contender[] = [
  {
    ...shared,
    id: 'murlock',
    title: 'murlock, as its README sets it up',
    settings: 'default',
    make: (options) => make({ wait: 1_000, maxAttempts: 3, blocking: false }, options),
  },
  {
    ...shared,
    id: 'murlock-best',
    title: 'murlock, blocking, retries every 10 ms',
    settings: 'best',
    make: (options) => make({ wait: 10, maxAttempts: 3, blocking: true }, options),
  },
];
