/** Every message: what happened, which lock, who holds it, what to do; and the same in fields. */
import { describe, expect, it } from '@jest/globals';
import {
  LockError,
  LockHeldError,
  LockLostError,
  LockOptionsError,
  LockReentryError,
  LockShutdownError,
  LockStoreError,
  LockWaitTimeoutError,
  duration,
} from '../../lib/core/lock-errors.js';
import type { LossReason } from '../../lib/core/lock-errors.js';

const HELD = { owner: 'web-2:4121:8f2c:7', remainingMs: 12_000, ahead: 0 };

describe('LockHeldError', () => {
  it('says who holds it and for how long', () => {
    const error = new LockHeldError('billing:nightly', HELD);

    expect(error.message).toBe(
      'Lock "billing:nightly" is held by "web-2:4121:8f2c:7" for another 12 s; did not wait. ' +
        'Try again later, or set waitMs.',
    );
    expect(error).toMatchObject({ code: 'LOCK_HELD', lockName: 'billing:nightly', ...HELD });
  });

  it('says when it is free, but others were there before', () => {
    const error = new LockHeldError('a', { owner: null, remainingMs: 0, ahead: 3 });

    expect(error.message).toBe(
      'Lock "a" is free but not for us: others wait for it, 3 ahead in the line; did not wait. ' +
        'Try again later, or set waitMs.',
    );
  });
});

describe('LockWaitTimeoutError', () => {
  it('says how long it waited, and how many are ahead', () => {
    const error = new LockWaitTimeoutError('a', 5_000, { ...HELD, ahead: 2 });

    expect(error.message).toBe(
      'Lock "a" is held by "web-2:4121:8f2c:7" for another 12 s, 2 ahead in the line; ' +
        'gave up after waiting 5 s. Try again later, or raise waitMs.',
    );
    expect(error).toMatchObject({ code: 'LOCK_WAIT_TIMEOUT', waitedMs: 5_000, ahead: 2 });
  });

  it('does not claim to know what was not heard', () => {
    const error = new LockWaitTimeoutError('a', 20, { owner: null, remainingMs: 0, ahead: 0 });

    expect(error.message).toBe(
      'Lock "a": nothing was heard of it yet; gave up after waiting 20 ms. ' +
        'Try again later, or raise waitMs.',
    );
  });
});

describe('LockLostError', () => {
  const TAIL =
    'Another owner may hold it now; stop writing, and check the fencing token where you write.';

  it.each<[LossReason, string]>([
    [
      'unrenewed',
      'Lock "payment:42" was lost: no renewal succeeded in time (ttl 30 s); the process was ' +
        'paused, or the store did not answer.',
    ],
    [
      'refused',
      'Lock "payment:42" was lost: the store says that it is no longer ours (ttl 30 s); it ran ' +
        'out, was forced free, or the store lost its memory.',
    ],
    [
      'at-most',
      'Lock "payment:42" was lost: its atMostMs is over, so it was not renewed any more.',
    ],
    ['released', 'Lock "payment:42" is not held any more: it was released.'],
  ])('says why: %s', (reason, text) => {
    const error = new LockLostError('payment:42', 'p:1', 7, 30_000, reason);

    expect(error.message).toBe(`${text} ${TAIL}`);
    expect(error).toMatchObject({ code: 'LOCK_LOST', owner: 'p:1', token: 7, reason });
  });
});

describe('LockStoreError', () => {
  it('says what was tried and why it failed, and keeps the cause', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6379'), {
      code: 'ECONNREFUSED',
    });

    const error = new LockStoreError('payment:42', 'acquired', cause);

    expect(error.message).toBe(
      'Lock "payment:42" could not be acquired: the store did not answer (ECONNREFUSED). ' +
        'Nothing is known about who holds it. See cause.',
    );
    expect(error).toMatchObject({ code: 'LOCK_STORE', action: 'acquired', cause });
  });

  it.each([
    [new Error('no code'), '(no code)'],
    [new TypeError(''), '(TypeError)'],
    ['just text', '(just text)'],
  ])('finds words for any cause: %p', (cause, words) => {
    expect(new LockStoreError('', 'opened', cause).message).toBe(
      `The lock store could not be opened: the store did not answer ${words}. ` +
        'Nothing is known about who holds it. See cause.',
    );
  });
});

describe('the other errors', () => {
  it('say that a call chain waits for itself', () => {
    expect(new LockReentryError('a', 'p:1').message).toBe(
      'Lock "a" is held by this very call chain ("p:1"); taking it again would wait for itself. ' +
        'Set reentrant: true to join the outer hold, or move the inner call out.',
    );
  });

  it('say that the application is shutting down', () => {
    expect(new LockShutdownError('a').message).toBe(
      'Lock "a" is not to be had: this application is shutting down. Try again on another instance.',
    );
  });

  it.each<[unknown, string]>([
    [-1, '-1'],
    ['x'.repeat(70), `"${'x'.repeat(60)}…"`],
    [() => 0, 'a function'],
    [[], 'an array'],
    [{}, 'an object'],
    [null, 'null'],
  ])('say what an option must be, and what it was: %p', (value, shown) => {
    expect(new LockOptionsError('ttlMs', value, 'a number').message).toBe(
      `ttlMs must be a number; got ${shown}.`,
    );
  });

  it('quote names so that a log stays one line', () => {
    expect(new LockShutdownError('a\nb"c').message).toContain('"a\\nb\\"c"');
  });

  it('are all LockErrors, each with its own name', () => {
    const errors = [
      new LockHeldError('a', HELD),
      new LockWaitTimeoutError('a', 1, HELD),
      new LockLostError('a', 'p:1', 1, 1_000, 'refused'),
      new LockStoreError('a', 'acquired', null),
      new LockReentryError('a', 'p:1'),
      new LockOptionsError('a', 1, 'b'),
      new LockShutdownError('a'),
    ];

    expect(errors.every((error) => error instanceof LockError)).toBe(true);
    expect(errors.map((error) => error.name)).toEqual(
      errors.map((error) => error.constructor.name),
    );
  });
});

describe('a duration', () => {
  it.each([
    [-5, '0 ms'],
    [350.4, '350 ms'],
    [1_000, '1 s'],
    [1_250, '1.3 s'],
    [12_345, '12 s'],
  ])('of %d ms is written %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
