/**
 * Our library layer by layer, over its driver in memory, where the store costs nothing: what the
 * engine adds to the bare driver, the service to the engine, and the decorator to the service.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { BenchLock, Contender } from '../harness/contract.js';
import { fromHold } from './from-hold.js';
import { loadOurs, makeOurs } from './ours.js';

interface Driver {
  open(process: string): Promise<void>;
  acquire(request: object): Promise<{ granted: boolean; token: number }>;
  release(request: object): Promise<{ released: boolean }>;
  close(): Promise<void>;
}
interface MemoryEntry {
  memoryLocks(): Driver;
}
interface Decorators {
  readonly DistributedLockModule: { forRoot(options: { driver: unknown }): object };
  WithLock(name: (name: string) => string, ttlMs: number): MethodDecorator;
}

async function driver(): Promise<Driver> {
  const { memoryLocks } = await loadOurs<MemoryEntry>('/memory');
  return memoryLocks();
}

async function bareDriver(process: string): Promise<BenchLock> {
  const bare = await driver();
  await bare.open(process);
  let count = 0;
  return fromHold({
    async hold(name) {
      const owner = `${process}:${++count}`;
      const lease = { name, owner, ttlMs: 30_000, line: 'join', tokens: 1_000 };
      const { token } = await bare.acquire({ ...lease, atMostMs: null, note: null });
      return async () => {
        await bare.release({ name, owner, token, error: null, atLeastMs: 0, rejoin: null });
      };
    },
    close: () => bare.close(),
  });
}

async function decorated(): Promise<BenchLock> {
  const { DistributedLockModule, WithLock } = await loadOurs<Decorators>('');
  class Worker {
    @WithLock((name: string) => name, 30_000)
    async work(_name: string): Promise<void> {}
  }
  class Application {}
  Module({
    imports: [DistributedLockModule.forRoot({ driver: await driver() }) as never],
    providers: [Worker],
  })(Application);
  const application = await NestFactory.createApplicationContext(Application, { logger: false });
  const worker = application.get(Worker);
  const work = (name: string): Promise<void> => worker.work(name);
  return {
    pair: work,
    withLock: work,
    hold: () => Promise.reject(new Error('a method cannot be held')),
    close: () => application.close(),
  };
}

const shared = { kind: 'ours', store: 'memory', settings: '-' } as const;
const packages = ['nestjs-distributed-lock'] as const;

export const layers: readonly Contender[] = [
  {
    ...shared,
    packages,
    id: 'layer-driver',
    title: 'the driver alone: acquire and release',
    make: ({ process }) => bareDriver(process),
  },
  {
    ...shared,
    packages,
    id: 'layer-acquire',
    title: 'LockService: acquire and release',
    make: async (options) => makeOurs(await driver(), options),
  },
  {
    ...shared,
    packages,
    id: 'layer-with-lock',
    title: 'LockService.withLock',
    async make(options) {
      const lock = await makeOurs(await driver(), options);
      return { ...lock, pair: (name) => lock.withLock(name, async () => {}) };
    },
  },
  {
    ...shared,
    packages,
    id: 'layer-decorator',
    title: '@WithLock on a method',
    make: decorated,
  },
];
