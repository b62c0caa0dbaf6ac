/** `LockService`: the whole of what an application can ask of it, through the engine and back. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';

import { MemoryStore, memoryLocks } from '../../lib/drivers/memory/index.js';
import { DistributedLockModule, HeldLock, HeldLocks, LockService } from '../../lib/index.js';
import { eventually } from '../support/eventually.js';
import { closeApplications, startContext } from './support/applications.js';

afterEach(closeApplications);

async function start(store = new MemoryStore()): Promise<LockService> {
  const driver = memoryLocks({ store });
  const app = await startContext({ imports: [DistributedLockModule.forRoot({ driver })] });
  return app.get(LockService);
}

describe('LockService', () => {
  it('runs a body under one lock or several, with options or without', async () => {
    const locks = await start();

    expect(await locks.withLock('a', (lock) => lock.name)).toBe('a');
    expect(await locks.withLock('a', { waitMs: 0 }, async (lock) => lock instanceof HeldLock)).toBe(
      true,
    );
    expect(await locks.withLock(['b', 'a'], (held) => held.names)).toEqual(['a', 'b']);
    expect(await locks.withLock(['a'], {}, (held) => held instanceof HeldLocks)).toBe(true);

    expect(await locks.list()).toEqual([]);
  });

  it('hands locks over, which await using gives back', async () => {
    const locks = await start();
    {
      await using lock = await locks.acquire('a');
      await using both = await locks.acquire(['b', 'c']);
      expect(lock.held && both.held).toBe(true);
      expect((await locks.list()).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    }

    expect(await locks.list()).toEqual([]);
  });

  it('answers null to a try for what is held, one or several', async () => {
    const store = new MemoryStore();
    const locks = await start(store);
    const other = await start(store);
    await using _held = await other.acquire('b');

    expect(await locks.tryAcquire('b')).toBeNull();
    expect(await locks.tryAcquire(['a', 'b'])).toBeNull();

    expect((await locks.inspect('a')).phase).toBe('free');
    await using free = await locks.tryAcquire(['a', 'c']);
    expect(free?.names).toEqual(['a', 'c']);
  });

  it('knows the lock of the call chain', async () => {
    const locks = await start();

    await locks.withLock('a', async (lock) => {
      await Promise.resolve();
      expect(locks.current('a')).toBe(lock);
      expect(locks.current('b')).toBeNull();
    });

    expect(locks.current('a')).toBeNull();
  });

  it('shows who holds what, and the note of the holder', async () => {
    const locks = await start();
    await using lock = await locks.acquire('order:1', { note: { by: 'me' } });
    await using _other = await locks.acquire('parcel:1');

    expect(await locks.inspect('order:1')).toMatchObject({
      phase: 'held',
      owner: lock.owner,
      token: lock.token,
      note: { by: 'me' },
    });
    expect(await locks.list({ prefix: 'order:' })).toHaveLength(1);
    expect(await locks.list({ limit: 1 })).toHaveLength(1);
  });

  it('watches locks of others: the present state first, then every change', async () => {
    const store = new MemoryStore();
    const locks = await start(store);
    const other = await start(store);
    const phases: string[] = [];
    const subscription = locks.watch('a').subscribe(({ phase }) => phases.push(phase));

    await eventually(() => phases.length === 1);
    const lock = await other.acquire('a');
    await eventually(() => phases.length === 2);
    await lock.release();
    await eventually(() => phases.length === 3);

    expect(phases).toEqual(['free', 'held', 'free']);
    subscription.unsubscribe();
  });

  it('ends a watch with its subscription', async () => {
    const store = new MemoryStore();
    const locks = await start(store);
    const seen: string[] = [];

    const subscription = locks.watch('a').subscribe(({ phase }) => seen.push(phase));
    await eventually(() => seen.length === 1);
    subscription.unsubscribe();
    const lock = await locks.acquire('a');
    expect((await firstValueFrom(locks.watch('a'))).phase).toBe('held');
    await lock.release();

    expect(seen).toEqual(['free']);
  });

  it('ends a hold by force', async () => {
    const locks = await start();
    const lock = await locks.acquire('a');

    expect(await locks.forceRelease('a')).toBe(true);
    expect(await locks.forceRelease('a')).toBe(false);

    await using next = await (await start()).acquire('a');
    expect(next).toBeDefined();
    await lock.release();
  });

  it('rejects, and never throws, when a name cannot be meant', async () => {
    const locks = await start();
    const wrong = { code: 'LOCK_OPTIONS', option: 'name' };

    await expect(locks.acquire('')).rejects.toMatchObject(wrong);
    await expect(locks.tryAcquire('')).rejects.toMatchObject(wrong);
    await expect(locks.withLock('', () => 1)).rejects.toMatchObject(wrong);
    await expect(locks.inspect('')).rejects.toMatchObject(wrong);
    await expect(locks.forceRelease('')).rejects.toMatchObject(wrong);
    await expect(firstValueFrom(locks.watch(''))).rejects.toMatchObject(wrong);
    await expect(locks.list({ limit: 0 })).rejects.toMatchObject({ option: 'limit' });
  });
});
