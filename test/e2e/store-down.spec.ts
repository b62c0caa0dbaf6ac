/** A store that does not answer: it must not keep an application from starting, nor run a body. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import { Observable, lastValueFrom, of } from 'rxjs';

import { memoryLocks } from '../../lib/drivers/memory/index.js';
import { DistributedLockModule, LockService, LockStoreError, WithLock } from '../../lib/index.js';
import type { LockDriver, LockEvent } from '../../lib/index.js';
import { logEvents } from '../../lib/lock-log.js';
import { eventually } from '../support/eventually.js';
import { closeApplications, startContext } from './support/applications.js';

afterEach(async () => {
  jest.restoreAllMocks();
  await closeApplications();
});

/** A memory driver that can be cut off from its store. */
function cuttable(): { driver: LockDriver; store: { down: boolean } } {
  const store = { down: false };
  const driver = new Proxy(memoryLocks(), {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || key === 'onWake' || key === 'close') {
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async (...args: unknown[]): Promise<unknown> => {
        if (store.down) throw new Error(`ECONNREFUSED at ${String(key)}`);
        return value.apply(target, args);
      };
    },
  });
  return { driver, store };
}

describe('a store that is down at the start', () => {
  it('does not keep the application from starting, which says so once', async () => {
    const { driver, store } = cuttable();
    store.down = true;
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();

    await startContext({ imports: [DistributedLockModule.forRoot({ driver })] });

    await eventually(() => warn.mock.calls.length > 0);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('store could not be opened'));
  });

  it('refuses every lock with LockStoreError in bounded time, and serves them once it is back', async () => {
    const { driver, store } = cuttable();
    store.down = true;
    jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const app = await startContext({ imports: [DistributedLockModule.forRoot({ driver })] });
    const locks = app.get(LockService);
    const body = jest.fn();

    await expect(locks.withLock('a', { waitMs: 50 }, body)).rejects.toBeInstanceOf(LockStoreError);
    expect(body).not.toHaveBeenCalled();

    store.down = false;
    await locks.withLock('a', { waitMs: 5_000 }, body);
    expect(body).toHaveBeenCalledTimes(1);
  });
});

@Injectable()
class Skipping {
  readonly ran = jest.fn();
  readonly instead = jest.fn();

  @WithLock('a', { waitMs: 0, whenHeld: 'skip' })
  async promise(): Promise<void> {
    this.ran();
  }

  @WithLock('a', { waitMs: 0, whenHeld: 'skip' })
  stream(): Observable<number> {
    this.ran();
    return of(1);
  }

  @WithLock('a', { waitMs: 0, whenHeld: () => undefined })
  async fallback(): Promise<void> {
    this.ran();
  }
}

describe('whenHeld', () => {
  it('does not take a store that is down for a lock that is held', async () => {
    const { driver, store } = cuttable();
    jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const locks = DistributedLockModule.forRoot({ driver, storeTimeoutMs: 50 });
    const skipping = (await startContext({ imports: [locks], providers: [Skipping] })).get(
      Skipping,
    );

    store.down = true;

    await expect(skipping.promise()).rejects.toBeInstanceOf(LockStoreError);
    await expect(skipping.fallback()).rejects.toBeInstanceOf(LockStoreError);
    await expect(lastValueFrom(skipping.stream())).rejects.toBeInstanceOf(LockStoreError);
    expect(skipping.ran).not.toHaveBeenCalled();
    store.down = false;
  });
});

describe('the log', () => {
  it('warns of a store in trouble once in five seconds, and counts the rest', () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const told: LockEvent[] = [];
    let now = 0;
    const log = logEvents(
      (event) => told.push(event),
      () => now,
    );
    const error = new LockStoreError('a', 'acquired', new Error('ECONNREFUSED'));
    const trouble: LockEvent = { type: 'store-error', name: 'a', error };

    for (now = 0; now < 5_000; now += 1_000) log(trouble);
    expect(warn.mock.calls).toEqual([[error.message]]);
    log(trouble);

    expect(warn).toHaveBeenLastCalledWith(
      `${error.message} (and 4 like it since the last warning)`,
    );
    expect(told).toHaveLength(6);
  });

  it('tells a lost lock as an error', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    const app = await startContext({});
    const locks = app.get(LockService);

    const lost = locks.withLock('a', { ttlMs: 60, renew: false }, (lock) =>
      eventually(() => lock.signal.aborted),
    );

    await expect(lost).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(error).toHaveBeenCalledWith(expect.stringContaining('Lock "a" was lost'));
  });
});
