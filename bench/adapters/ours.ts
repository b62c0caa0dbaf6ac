/**
 * Our library as an application has it: `LockService` out of a Nest application, from the built
 * package, by its public names. `default`: as installed. There is no faster setting to show.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { BenchLock, MakeOptions } from '../harness/contract.js';
import { load } from './load.js';

/** What the bench needs of the package; its own types are not built yet when the bench is. */
export interface Service {
  acquire(name: string, options: Terms): Promise<{ release(): Promise<unknown> }>;
  withLock(name: string, options: Terms, body: () => Promise<void>): Promise<void>;
}
interface Terms {
  readonly ttlMs?: number;
  readonly waitMs: number;
}
interface Package {
  readonly DistributedLockModule: { forRoot(options: { driver: unknown }): unknown };
  readonly LockService: abstract new () => Service;
}

/** The bench measures waiting; whoever has to give up shows in the figures anyway. */
const WAIT_MS = 600_000;

/** @param name as in `import`: the package itself, or one of its entries, like `/redis`. */
export async function loadOurs<T>(name: '' | '/redis' | '/typeorm' | '/memory'): Promise<T> {
  return load(`nestjs-distributed-lock${name}`);
}

/** @param driver of our library; whatever is under it is closed by `closeClient`. */
export async function makeOurs(
  driver: unknown,
  { ttlMs }: MakeOptions,
  closeClient: () => Promise<unknown> = async () => undefined,
): Promise<BenchLock> {
  const { DistributedLockModule, LockService } = await loadOurs<Package>('');
  const application = await NestFactory.createApplicationContext(
    DistributedLockModule.forRoot({ driver }) as Parameters<
      typeof NestFactory.createApplicationContext
    >[0],
    { logger: ['error'] },
  );
  const service: Service = application.get(LockService);
  const terms: Terms = { waitMs: WAIT_MS, ...(ttlMs === undefined ? {} : { ttlMs }) };
  const hold = async (name: string): Promise<() => Promise<void>> => {
    const lock = await service.acquire(name, terms);
    return async () => {
      await lock.release();
    };
  };
  return {
    hold,
    withLock: (name, body) => service.withLock(name, terms, body),
    async pair(name) {
      const lock = await service.acquire(name, terms);
      await lock.release();
    },
    async close() {
      await application.close();
      await closeClient();
    },
  };
}
