/**
 * `app.close()`: no new locks, waiters are sent away, bodies get their grace, and no lease is
 * ever given back under a body that still runs.
 */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Global, Inject, Injectable, Logger, Module } from '@nestjs/common';
import type { INestApplicationContext, OnModuleDestroy } from '@nestjs/common';

import { MemoryStore, memoryLocks } from '../../lib/drivers/memory/index.js';
import {
  DistributedLockModule,
  LockService,
  LockShutdownError,
  WithLock,
} from '../../lib/index.js';
import type { DistributedLockOptions } from '../../lib/index.js';
import { eventually } from '../support/eventually.js';
import { closeApplications, gate, startContext, startHttp } from './support/applications.js';

afterEach(async () => {
  jest.restoreAllMocks();
  await closeApplications();
});

async function start(
  store: MemoryStore,
  options: Partial<DistributedLockOptions> = {},
): Promise<{ app: INestApplicationContext; locks: LockService }> {
  const driver = memoryLocks({ store });
  const app = await startContext({
    imports: [DistributedLockModule.forRoot({ driver, ...options })],
  });
  return { app, locks: app.get(LockService) };
}

/** Whether no lock is to be had any more. */
async function refuses(locks: LockService): Promise<boolean> {
  try {
    await (await locks.acquire('any')).release();
    return false;
  } catch (error) {
    return error instanceof LockShutdownError;
  }
}

describe('closing an application', () => {
  it('lets a running body finish within its grace, and gives its lock back', async () => {
    const store = new MemoryStore();
    const { app, locks } = await start(store);
    const inside = gate();
    const finish = gate();
    const work = locks.withLock('a', {}, async () => {
      inside.open();
      await finish.opened;
      return 'done';
    });
    await inside.opened;

    const closing = app.close();
    await eventually(() => refuses(locks));
    expect(store.inspect('a').phase).toBe('held');
    finish.open();

    expect(await work).toBe('done');
    await closing;
    expect(store.inspect('a')).toMatchObject({ phase: 'free', ending: { how: 'released' } });
  });

  it('sends waiters away at once, and leaves nobody in the line', async () => {
    const store = new MemoryStore();
    const other = await start(store);
    const { app, locks } = await start(store);
    await using _held = await other.locks.acquire('a');
    const waiting = locks.acquire('a', { waitMs: 60_000 });
    waiting.catch(() => undefined);
    await eventually(() => store.inspect('a').waiting === 1);

    await app.close();

    await expect(waiting).rejects.toBeInstanceOf(LockShutdownError);
    expect(store.inspect('a').waiting).toBe(0);
  });

  it('aborts the signal of a body that outlives its grace, and leaves the lease to run out', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const store = new MemoryStore();
    const { app, locks } = await start(store, { shutdownGraceMs: 20 });
    const inside = gate();
    const finish = gate();
    let signal: AbortSignal | undefined;
    const work = locks.withLock('a', { ttlMs: 60_000 }, async (lock) => {
      signal = lock.signal;
      inside.open();
      await finish.opened;
    });
    work.catch(() => undefined);
    await inside.opened;

    await app.close();

    expect(signal?.aborted).toBe(true);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('Lock "a" was held when the grace'));
    expect(store.inspect('a').phase).toBe('held');
    finish.open();
    await expect(work).rejects.toMatchObject({
      code: expect.stringMatching(/LOCK_(LOST|SHUTDOWN)/),
    });
    expect(store.inspect('a').phase).toBe('held');
  });

  it('answers requests that hold a lock before it ends', async () => {
    const inside = gate();
    const finish = gate();

    @Controller()
    class Slow {
      @Get()
      @WithLock('slow')
      async get(): Promise<string> {
        inside.open();
        await finish.opened;
        return 'done';
      }
    }
    const { application, url } = await startHttp({ controllers: [Slow] });
    const response = fetch(url, { headers: { connection: 'close' } });
    await inside.opened;

    const closing = application.close();
    finish.open();

    expect(await (await response).text()).toBe('done');
    await closing;
  });

  it('lets the application use its locks in onModuleDestroy', async () => {
    const store = new MemoryStore();
    let tidied = false;

    @Injectable()
    class Tidying implements OnModuleDestroy {
      constructor(@Inject(LockService) private readonly locks: LockService) {}

      async onModuleDestroy(): Promise<void> {
        // Nest calls the hook once more when the test closes what it has started.
        tidied ||= await this.locks.withLock('tidy', { waitMs: 0 }, () => true);
      }
    }
    const app = await startContext({
      imports: [DistributedLockModule.forRoot({ driver: memoryLocks({ store }) })],
      providers: [Tidying],
    });

    await app.close();

    expect(tidied).toBe(true);
  });

  it('ends every watch', async () => {
    const store = new MemoryStore();
    const { app, locks } = await start(store);
    const states: string[] = [];
    locks.watch('a').subscribe(({ phase }) => states.push(phase));
    await eventually(() => states.length === 1);

    await app.close();
    const other = await start(store);
    await using _lock = await other.locks.acquire('a');

    expect(states).toEqual(['free']);
  });

  it('goes on when the store cannot be closed', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const driver = memoryLocks();
    const close = jest.spyOn(driver, 'close').mockRejectedValue(new Error('stuck'));
    const app = await startContext({ imports: [DistributedLockModule.forRoot({ driver })] });

    await expect(app.close()).resolves.toBeUndefined();

    expect(close).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('stuck'));
  });
});

describe.each(['before', 'after'])('a database module that is imported %s', (order) => {
  it('is shut down when the locks need it no more', async () => {
    const events: string[] = [];
    const store = new MemoryStore();

    // As TypeORM's: global, and closed in onApplicationShutdown.
    @Global()
    @Module({})
    class DatabaseModule {
      onApplicationShutdown(): void {
        events.push(`database closed, lock ${store.inspect('a').phase}`);
      }
    }
    const locksModule = DistributedLockModule.forRoot({ driver: memoryLocks({ store }) });
    const app = await startContext({
      imports: order === 'before' ? [DatabaseModule, locksModule] : [locksModule, DatabaseModule],
    });
    const inside = gate();
    const finish = gate();
    const work = app.get(LockService).withLock('a', {}, async () => {
      inside.open();
      await finish.opened;
      events.push('body ended');
    });
    await inside.opened;

    const closing = app.close();
    finish.open();
    await Promise.all([work, closing]);

    expect(events).toEqual(['body ended', 'database closed, lock free']);
  });
});
