/** The core over the memory driver: what a caller of `Locks` may rely on. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { memoryLocks, MemoryStore } from '../../lib/drivers/memory/index.js';
import { Locks } from '../../lib/core/locks.js';
import type { LocksConfig } from '../../lib/core/locks.js';
import {
  LockHeldError,
  LockLostError,
  LockOptionsError,
  LockReentryError,
  LockShutdownError,
  LockWaitTimeoutError,
} from '../../lib/core/lock-errors.js';
import { eventually } from '../support/eventually.js';

const open: Locks[] = [];

function locks(store = new MemoryStore(), config: Partial<LocksConfig> = {}): Locks {
  const made = new Locks({ driver: memoryLocks({ store }), ...config });
  open.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

describe('taking and giving back', () => {
  it('grants a free name, and hands it to the next instance after the release', async () => {
    const store = new MemoryStore();
    const [one, two] = [locks(store), locks(store)];

    const first = await one.acquire('order:42');
    const waiting = two.acquire('order:42');
    await first.release();
    const second = await waiting;

    expect(second.token).toBeGreaterThan(first.token);
    expect(second.previous).toMatchObject({ how: 'released', token: first.token });
    await second.release();
  });

  it('answers null to a try on a held name, here and elsewhere', async () => {
    const store = new MemoryStore();
    const [one, two] = [locks(store), locks(store)];
    const held = await one.acquire('a');

    await expect(one.tryAcquire('a')).resolves.toBeNull();
    await expect(two.tryAcquire('a')).resolves.toBeNull();

    await held.release();
  });

  it('says who holds it when it does not wait', async () => {
    const store = new MemoryStore();
    const held = await locks(store).acquire('a', { ttlMs: 5_000 });

    const refused = locks(store).acquire('a', { waitMs: 0 });

    await expect(refused).rejects.toBeInstanceOf(LockHeldError);
    await expect(refused).rejects.toMatchObject({ owner: held.owner, lockName: 'a' });
  });

  it('gives up after waitMs, not earlier, and leaves no ticket', async () => {
    const store = new MemoryStore();
    const one = locks(store);
    await one.acquire('a');
    const startedAt = performance.now();

    const waiting = locks(store).acquire('a', { waitMs: 120 });

    await expect(waiting).rejects.toBeInstanceOf(LockWaitTimeoutError);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(120);
    await eventually(async () => (await one.inspect('a')).waiting === 0);
  });

  it('passes turns between local callers without asking the store, tokens rising', async () => {
    const one = locks();
    const tokens: number[] = [];

    await Promise.all(
      Array.from({ length: 200 }, () =>
        one.withLock('hot', async (lock) => tokens.push(lock.token)),
      ),
    );

    expect(tokens).toHaveLength(200);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  });

  it('rejects with the reason of the signal that calls the waiting off', async () => {
    const store = new MemoryStore();
    await locks(store).acquire('a');
    const controller = new AbortController();

    const waiting = locks(store).acquire('a', { signal: controller.signal });
    controller.abort(new Error('enough'));

    await expect(waiting).rejects.toThrow('enough');
  });
});

describe('bodies', () => {
  it('passes result and error through untouched, and the error on to the next holder', async () => {
    const one = locks();
    const failure = Object.assign(new Error('disk full'), { code: 'ENOSPC', data: { free: 0 } });

    await expect(one.withLock('a', () => 7)).resolves.toBe(7);
    await expect(one.withLock('a', () => Promise.reject(failure))).rejects.toBe(failure);
    const next = await one.acquire('a');

    expect(next.lastError).toMatchObject({
      message: 'disk full',
      code: 'ENOSPC',
      data: { free: 0 },
    });
  });

  it('fails at once when the call chain holds the name already, or joins it if told so', async () => {
    const one = locks();

    await one.withLock('a', async (outer) => {
      expect(one.current('a')).toBe(outer);
      await expect(one.acquire('a')).rejects.toBeInstanceOf(LockReentryError);
      await one.withLock('a', { reentrant: true }, (inner) => {
        expect(inner).toBe(outer);
      });
      expect(outer.held).toBe(true);
    });
    expect(one.current('a')).toBeNull();
  });

  it('rejects with the loss when the lease was lost under a body that succeeded', async () => {
    const one = locks();

    const call = one.withLock('a', { ttlMs: 60, renew: false }, async (lock) => {
      await new Promise((resolve) => lock.signal.addEventListener('abort', resolve));
      expect(lock.signal.reason).toBeInstanceOf(LockLostError);
      return 'done';
    });

    await expect(call).rejects.toBeInstanceOf(LockLostError);
  });

  it('renews for as long as the body runs', async () => {
    const one = locks();

    await one.withLock('a', { ttlMs: 300 }, async (lock) => {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(lock.held).toBe(true);
    });
  });

  it('tells a holder that was forced out at its next renewal', async () => {
    const one = locks();

    const call = one.withLock('a', { ttlMs: 150 }, async (lock) => {
      await one.forceRelease('a');
      await new Promise((resolve) => lock.signal.addEventListener('abort', resolve));
    });

    await expect(call).rejects.toMatchObject({ code: 'LOCK_LOST', reason: 'refused' });
    expect((await one.acquire('a')).previous).toMatchObject({ how: 'forced' });
  });
});

describe('several names', () => {
  it('takes all or none, sorted and each once', async () => {
    const store = new MemoryStore();
    const one = locks(store);

    const both = await one.acquire(['b', 'a', 'b']);

    expect(both.names).toEqual(['a', 'b']);
    await expect(locks(store).tryAcquire(['c', 'b'])).resolves.toBeNull();
    await expect(locks(store).tryAcquire('c')).resolves.not.toBeNull();
    await both.release();
    await expect(locks(store).tryAcquire(['a', 'b'])).resolves.not.toBeNull();
  });
});

describe('looking', () => {
  it('tells a watcher the present state and every change', async () => {
    const store = new MemoryStore();
    const one = locks(store);
    const seen: string[] = [];

    const stop = locks(store).watch('a', ({ phase, note }) =>
      seen.push(`${phase} ${JSON.stringify(note)}`),
    );
    await eventually(() => seen.length === 1);
    const lock = await one.acquire('a', { note: 'busy' });
    await eventually(() => seen.includes('held "busy"'));
    await lock.setNote('still busy');
    await eventually(() => seen.includes('held "still busy"'));
    await lock.release();
    await eventually(() => seen.length === 4);
    stop();

    expect(seen).toEqual(['free null', 'held "busy"', 'held "still busy"', 'free null']);
  });
});

describe('shutting down', () => {
  it('sends waiters away, aborts what still runs after the grace, and keeps its lease', async () => {
    const store = new MemoryStore();
    const one = locks(store);
    const lock = await one.acquire('a');
    const waiting = one.acquire('a');
    waiting.catch(() => undefined);

    await one.drain(50);

    await expect(waiting).rejects.toBeInstanceOf(LockShutdownError);
    await expect(one.acquire('b')).rejects.toBeInstanceOf(LockShutdownError);
    expect(lock.signal.aborted).toBe(true);
    await expect(locks(store).inspect('a')).resolves.toMatchObject({ owner: lock.owner });
  });
});

describe('options', () => {
  it.each([
    ['ttlMs', 0],
    ['ttlMs', -1],
    ['ttlMs', NaN],
    ['ttlMs', 2 ** 31],
    ['waitMs', -1],
    ['atLeastMs', 0.5],
    ['note', 'x'.repeat(1_001)],
    ['unheardOf', 1],
  ])('refuses %s: %p, naming it', async (option, value) => {
    const refused = locks().acquire('a', { [option]: value });

    await expect(refused).rejects.toBeInstanceOf(LockOptionsError);
    await expect(refused).rejects.toThrow(option);
  });

  it.each([[''], ['x'.repeat(256)], ['é'.repeat(128)], ['\ud800']])(
    'refuses the name %j',
    async (name) => {
      await expect(locks().acquire(name)).rejects.toBeInstanceOf(LockOptionsError);
    },
  );

  it('refuses by the promise, wherever there is one', async () => {
    const some = locks();

    await expect(some.inspect('')).rejects.toBeInstanceOf(LockOptionsError);
    await expect(some.forceRelease('')).rejects.toBeInstanceOf(LockOptionsError);
    await expect(some.list({ limit: 0 })).rejects.toBeInstanceOf(LockOptionsError);
  });
});
