/** `@WithLock` on methods that answer Observables: the lock is held until the stream has ended. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import type { Observable } from 'rxjs';

import { MemoryStore, memoryLocks } from '../../lib/drivers/memory/index.js';
import { DistributedLockModule, LockLostError, LockService } from '../../lib/index.js';
import { eventually } from '../support/eventually.js';
import { closeApplications, startContext } from './support/applications.js';
import { Streams } from './support/streams.js';

afterEach(async () => {
  jest.useRealTimers();
  await closeApplications();
});

async function start(store = new MemoryStore()): Promise<{
  streams: Streams;
  locks: LockService;
  phase(): Promise<string>;
}> {
  const app = await startContext({
    imports: [DistributedLockModule.forRoot({ driver: memoryLocks({ store }) })],
    providers: [Streams],
  });
  const locks = app.get(LockService);
  const phase = async (): Promise<string> => (await locks.inspect('stream')).phase;
  return { streams: app.get(Streams), locks, phase };
}

const isFree = async (phase: () => Promise<string>): Promise<boolean> => (await phase()) === 'free';

describe.each(['direct', 'promised'] as const)('a method with a %s Observable', (kind) => {
  const open = async (streams: Streams): Promise<Observable<number>> => streams[kind]();

  it('holds the lock until the stream completes', async () => {
    const { streams, phase } = await start();

    const values = lastValueFrom((await open(streams)).pipe(toArray()));
    await eventually(() => streams.source.observed);
    streams.source.next(1);
    expect(await phase()).toBe('held');
    streams.source.next(2);
    streams.source.complete();

    expect(await values).toEqual([1, 2]);
    expect(await phase()).toBe('free');
  });

  it('holds the lock until the stream fails, and tells the next holder', async () => {
    const { streams, locks } = await start();
    const error = new Error('mine');

    const values = lastValueFrom(await open(streams));
    values.catch(() => undefined);
    await eventually(() => streams.source.observed);
    streams.source.error(error);

    await expect(values).rejects.toBe(error);
    await using lock = await locks.acquire('stream');
    expect(lock.lastError?.message).toBe('mine');
  });

  it('gives the lock back when its subscriber leaves', async () => {
    const { streams, phase } = await start();

    const subscription = (await open(streams)).subscribe();
    await eventually(() => streams.source.observed);
    subscription.unsubscribe();

    expect(streams.closed).toBe(1);
    await eventually(() => isFree(phase));
  });

  it('ends the stream when the lease runs out, although its source goes on', async () => {
    const { streams } = await start();
    const short = { direct: 'shortDirect', promised: 'shortPromised' } as const;

    const stream: Observable<never> = await streams[short[kind]]();

    await expect(firstValueFrom(stream)).rejects.toBeInstanceOf(LockLostError);
  });

  it('subscribes in the call chain of the lock', async () => {
    const { streams } = await start();
    const chained = { direct: 'chainDirect', promised: 'chainPromised' } as const;

    const stream: Observable<boolean> = await streams[chained[kind]]();

    expect(await firstValueFrom(stream)).toBe(true);
  });

  it('ends the stream with LockLostError when the lease is lost', async () => {
    const { streams, locks } = await start();

    const values = lastValueFrom(await open(streams));
    values.catch(() => undefined);
    await eventually(() => streams.source.observed);
    await locks.forceRelease('stream');
    streams.source.complete();

    await expect(values).rejects.toBeInstanceOf(LockLostError);
  });
});

describe('a direct Observable', () => {
  it('takes the lock at each subscription, and not before', async () => {
    const { streams, phase } = await start();

    const stream = streams.direct();
    expect(await phase()).toBe('free');
    for (const round of [1, 2]) {
      const value = firstValueFrom(stream);
      await eventually(() => streams.source.observed);
      streams.source.next(round);
      expect(await value).toBe(round);
      await eventually(() => isFree(phase));
    }

    expect(streams.opened).toBe(2);
  });

  it('fails with the error of the lock when it is held', async () => {
    const { streams, locks } = await start();
    await using _held = await locks.acquire('stream');

    await expect(firstValueFrom(streams.direct())).rejects.toMatchObject({ code: 'LOCK_HELD' });

    expect(streams.opened).toBe(0);
  });

  it('with skip, ends at once', async () => {
    const { streams, locks } = await start();
    await using _held = await locks.acquire('stream');

    expect(await lastValueFrom(streams.skipping().pipe(toArray()))).toEqual([]);
  });

  it('with skip, does not swallow the busy lock of a nested stream', async () => {
    const { streams, locks } = await start();
    await using _held = await locks.acquire('stream');

    const values = lastValueFrom(streams.nesting());

    await expect(values).rejects.toMatchObject({ code: 'LOCK_HELD', lockName: 'stream' });
  });

  it('with a function, is the stream that it answers', async () => {
    const { streams, locks } = await start();
    await using _held = await locks.acquire('stream');

    expect(await lastValueFrom(streams.falling().pipe(toArray()))).toEqual([7, 8]);
  });

  it.each(['failing', 'throwing'] as const)(
    'passes on the error of the body (%s)',
    async (kind) => {
      const { streams, phase } = await start();

      await expect(firstValueFrom(streams[kind]())).rejects.toThrow(/mine|before the stream/);

      expect(await phase()).toBe('free');
    },
  );

  it('that never ends by itself ends with its subscriber', async () => {
    const { streams, phase } = await start();

    expect(await lastValueFrom(streams.endless().pipe(take(3), toArray()))).toEqual([0, 1, 2]);

    await eventually(() => isFree(phase));
  });

  it('leaves the line when its subscriber leaves before the lock is there', async () => {
    const store = new MemoryStore();
    const { streams } = await start(store);
    const { locks } = await start(store);
    await using _held = await locks.acquire('stream');

    const subscription = streams.waiting().subscribe();
    await eventually(async () => (await locks.inspect('stream')).waiting === 1);
    subscription.unsubscribe();

    await eventually(async () => (await locks.inspect('stream')).waiting === 0);
    expect(streams.opened).toBe(0);
  });
});

describe('a promised Observable', () => {
  it('holds the lock from the call on, and bears one subscription', async () => {
    const { streams, phase } = await start();

    const stream = await streams.promised();
    expect(await phase()).toBe('held');
    const first = firstValueFrom(stream);

    await expect(firstValueFrom(stream)).rejects.toThrow('can be subscribed to once');
    streams.source.next(1);
    expect(await first).toBe(1);
    await expect(firstValueFrom(stream)).rejects.toThrow('can be subscribed to once');
  });

  it('gives the lock back when nobody subscribes within 10 s, and cannot be subscribed to then', async () => {
    const { streams, phase } = await start();
    jest.useFakeTimers({
      doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'],
    });

    const stream = await streams.promised();
    jest.advanceTimersByTime(9_999);
    expect(await phase()).toBe('held');
    jest.advanceTimersByTime(1);
    jest.useRealTimers();

    await eventually(() => isFree(phase));
    await expect(firstValueFrom(stream)).rejects.toThrow('can be subscribed to once');
  });
});
