/** What `@WithLock` does when the lock is not to be had, and what it never does. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';

import {
  LockHeldError,
  LockLostError,
  LockService,
  LockWaitTimeoutError,
  WithLock,
} from '../../lib/index.js';
import type { BusyError } from '../../lib/index.js';
import { closeApplications, startContext } from './support/applications.js';

afterEach(async () => {
  jest.restoreAllMocks();
  await closeApplications();
});

class OwnError extends Error {}

@Injectable()
class Work {
  ran = 0;
  readonly answer = { mine: true };
  readonly error = new OwnError('mine');

  constructor(private readonly locks: LockService) {}

  @WithLock('work', { waitMs: 0 })
  async impatient(): Promise<object> {
    this.ran += 1;
    return this.answer;
  }

  @WithLock('work', { waitMs: 20 })
  async patient(): Promise<void> {
    this.ran += 1;
  }

  @WithLock('work', { waitMs: 0, whenHeld: 'skip' })
  async skipping(): Promise<object | undefined> {
    this.ran += 1;
    return this.answer;
  }

  @WithLock('work', { waitMs: 20, whenHeld: 'skip' })
  async skippingLater(): Promise<void> {
    this.ran += 1;
  }

  @WithLock((id: string) => `work:${id}`, {
    waitMs: 0,
    whenHeld: (held: BusyError, id: string) => `${id} is held: ${held.code}`,
  })
  async falling(id: string): Promise<string> {
    return `did ${id}`;
  }

  @WithLock('work')
  async failing(): Promise<never> {
    throw this.error;
  }

  @WithLock('outer', { waitMs: 0, whenHeld: 'skip' })
  async nesting(): Promise<object | undefined> {
    return this.impatient();
  }

  @WithLock(['a', 'b', 'a'], { waitMs: 0, whenHeld: 'skip' })
  async several(): Promise<string | undefined> {
    return `${this.locks.current('a') !== null} ${this.locks.current('b') !== null}`;
  }

  @WithLock('robbed')
  async robbed(): Promise<string> {
    await this.locks.forceRelease('robbed');
    return 'done';
  }

  @WithLock((id: { readonly key: string }) => id.key, { whenHeld: 'skip' })
  async misnamed(_id: { readonly key: string }): Promise<void> {
    this.ran += 1;
  }
}

async function start(): Promise<{ work: Work; locks: LockService }> {
  const app = await startContext({ providers: [Work] });
  return { work: app.get(Work), locks: app.get(LockService) };
}

describe('a free lock', () => {
  it('lets the result of the body through untouched', async () => {
    const { work } = await start();

    expect(await work.impatient()).toBe(work.answer);
  });

  it('lets the error of the body through untouched, and tells the next holder', async () => {
    const { work, locks } = await start();

    await expect(work.failing()).rejects.toBe(work.error);

    await using lock = await locks.acquire('work');
    expect(lock.lastError?.message).toBe('mine');
  });
});

describe('a held lock', () => {
  it('rejects with LockHeldError when waitMs is 0, and does not run the body', async () => {
    const { work, locks } = await start();
    await using _held = await locks.acquire('work');

    await expect(work.impatient()).rejects.toBeInstanceOf(LockHeldError);

    expect(work.ran).toBe(0);
  });

  it('rejects with LockWaitTimeoutError when the wait was in vain', async () => {
    const { work, locks } = await start();
    await using _held = await locks.acquire('work');

    await expect(work.patient()).rejects.toBeInstanceOf(LockWaitTimeoutError);

    expect(work.ran).toBe(0);
  });

  it.each(['skipping', 'skippingLater'] as const)(
    'with skip, answers undefined (%s)',
    async (method) => {
      const { work, locks } = await start();
      await using _held = await locks.acquire('work');

      expect(await work[method]()).toBeUndefined();

      expect(work.ran).toBe(0);
    },
  );

  it('with skip, logs at debug level only', async () => {
    const { work, locks } = await start();
    await using _held = await locks.acquire('work');
    const debug = jest.spyOn(Logger.prototype, 'debug').mockReturnValue();
    const louder = (['log', 'warn', 'error'] as const).map((level) =>
      jest.spyOn(Logger.prototype, level).mockReturnValue(),
    );

    await work.skipping();

    expect(debug).toHaveBeenCalledWith(expect.stringContaining('Skipped Work.skipping()'));
    for (const spy of louder) expect(spy).not.toHaveBeenCalled();
  });

  it('with a function, answers what that answers, given the error and the arguments', async () => {
    const { work, locks } = await start();
    await using _held = await locks.acquire('work:7');

    expect(await work.falling('7')).toBe('7 is held: LOCK_HELD');
    expect(await work.falling('8')).toBe('did 8');
  });

  it('of several names, is enough to skip, and leaves the others free', async () => {
    const { work, locks } = await start();
    const held = await locks.acquire('b');

    expect(await work.several()).toBeUndefined();

    expect((await locks.inspect('a')).phase).toBe('free');
    await held.release();
    expect(await work.several()).toBe('true true');
  });
});

describe('skip', () => {
  it('does not swallow the busy lock of a nested call', async () => {
    const { work, locks } = await start();
    await using _held = await locks.acquire('work');

    await expect(work.nesting()).rejects.toMatchObject({ code: 'LOCK_HELD', lockName: 'work' });
  });

  it('does not swallow an error of the name function', async () => {
    const { work } = await start();

    await expect(work.misnamed(undefined as never)).rejects.toBeInstanceOf(TypeError);
    await expect(work.misnamed({ key: '' })).rejects.toMatchObject({ code: 'LOCK_OPTIONS' });
    await expect(work.misnamed({} as never)).rejects.toMatchObject({ code: 'LOCK_OPTIONS' });

    expect(work.ran).toBe(0);
  });
});

describe('a lock that is lost while the body runs', () => {
  it('makes the call reject although the body succeeded', async () => {
    const { work } = await start();

    await expect(work.robbed()).rejects.toBeInstanceOf(LockLostError);
  });
});
