/**
 * Everything that can go wrong, each under a class and a `code` of its own. A text says what
 * happened, to which lock, who holds it and for how long, and what to do; the fields say the same
 * to programs.
 */

/** What was last heard of a lock that could not be had. */
export interface HolderFacts {
  /** Who has it; `null` when nobody does, but others are `ahead`, or when nothing was heard yet. */
  readonly owner: string | null;
  /** How long its lease lasts if it is not renewed; 0 when nobody has it. */
  readonly remainingMs: number;
  /** How many others stand before us in the line. */
  readonly ahead: number;
}

/** The `code` of each error, for programs that cannot use `instanceof`. */
export type LockErrorCode =
  | 'LOCK_HELD'
  | 'LOCK_WAIT_TIMEOUT'
  | 'LOCK_LOST'
  | 'LOCK_STORE'
  | 'LOCK_REENTRY'
  | 'LOCK_OPTIONS'
  | 'LOCK_SHUTDOWN';

/** Marks the errors of both copies, where a process loads this package as ESM and as CommonJS. */
const MARK = Symbol.for('nestjs-distributed-lock: error');

/**
 * The root of all errors of this library; `lockName` is `''` where no single lock is meant.
 * `instanceof` knows the errors of the other copy of this package too, by their mark and code.
 *
 * @example
 * try {
 *   await locks.withLock('order:42', { waitMs: 1_000 }, () => ship(order));
 * } catch (error) {
 *   if (!(error instanceof LockError)) throw error; // of the body, untouched
 *   if (error instanceof LockWaitTimeoutError) console.log(`busy for ${error.remainingMs} ms`);
 *   else console.log(error.code, error.lockName);
 * }
 */
export class LockError extends Error {
  /** The code of all errors of this class; `null` where they have several. */
  static readonly code: LockErrorCode | null = null;
  override readonly name: string = 'LockError';

  constructor(
    readonly code: LockErrorCode,
    readonly lockName: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  static {
    Object.defineProperty(this.prototype, MARK, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
    // A subclass that a user made has no code of its own, and only its own instances.
    if (!Object.hasOwn(this, 'code') || typeof value !== 'object' || value === null) return false;
    if (!(MARK in value)) return false;
    return this.code === null || ('code' in value && value.code === this.code);
  }
}

/** Not waiting (`waitMs: 0`), and somebody else has it. An expected outcome of a try. */
export class LockHeldError extends LockError {
  static override readonly code = 'LOCK_HELD';
  override readonly name = 'LockHeldError';
  /** Who has it; `null` when it is free, but others are `ahead`. */
  readonly owner: string | null;
  /** How long that lease lasts if it is not renewed. */
  readonly remainingMs: number;
  /** How many stand in the line. */
  readonly ahead: number;

  constructor(lockName: string, facts: HolderFacts) {
    super(
      'LOCK_HELD',
      lockName,
      `${describeHolder(lockName, facts)}; did not wait. Try again later, or set waitMs.`,
    );
    this.owner = facts.owner;
    this.remainingMs = facts.remainingMs;
    this.ahead = facts.ahead;
  }
}

/** Waited for `waitMs`, and somebody else has it still. */
export class LockWaitTimeoutError extends LockError {
  static override readonly code = 'LOCK_WAIT_TIMEOUT';
  override readonly name = 'LockWaitTimeoutError';
  /** Who has it, as was last heard; `null` when it is free, or nothing was heard. */
  readonly owner: string | null;
  /** How long that lease lasts if it is not renewed. */
  readonly remainingMs: number;
  /** How many still stood before us in the line. */
  readonly ahead: number;

  constructor(
    lockName: string,
    readonly waitedMs: number,
    facts: HolderFacts,
  ) {
    super(
      'LOCK_WAIT_TIMEOUT',
      lockName,
      `${describeHolder(lockName, facts)}; gave up after waiting ${duration(waitedMs)}. ` +
        'Try again later, or raise waitMs.',
    );
    this.owner = facts.owner;
    this.remainingMs = facts.remainingMs;
    this.ahead = facts.ahead;
  }
}

/**
 * Why a lease was lost.
 * - `unrenewed`: the deadline came before a renewal did, by our own clock.
 * - `refused`: the store says that it is not ours any more.
 * - `at-most`: its `atMostMs` is over.
 * - `released`: it was given back; nothing was lost, but it is not held any more.
 */
export type LossReason = 'unrenewed' | 'refused' | 'at-most' | 'released';

/** The lease is gone while its work went on. Somebody else may hold the name: stop writing. */
export class LockLostError extends LockError {
  static override readonly code = 'LOCK_LOST';
  override readonly name = 'LockLostError';

  constructor(
    lockName: string,
    readonly owner: string,
    readonly token: number,
    readonly ttlMs: number,
    readonly reason: LossReason,
    options?: ErrorOptions,
  ) {
    super(
      'LOCK_LOST',
      lockName,
      `Lock ${quote(lockName)} ${LOSSES[reason](ttlMs)} ` +
        'Another owner may hold it now; stop writing, and check the fencing token where you write.',
      options,
    );
  }
}

const LOSSES: Readonly<Record<LossReason, (ttlMs: number) => string>> = {
  unrenewed: (ttlMs) =>
    `was lost: no renewal succeeded in time (ttl ${duration(ttlMs)}); the process was paused, ` +
    'or the store did not answer.',
  refused: (ttlMs) =>
    `was lost: the store says that it is no longer ours (ttl ${duration(ttlMs)}); it ran out, ` +
    'was forced free, or the store lost its memory.',
  'at-most': () => 'was lost: its atMostMs is over, so it was not renewed any more.',
  released: () => 'is not held any more: it was released.',
};

/** The store did not answer, or answered nonsense. Nothing is known about who holds the lock. */
export class LockStoreError extends LockError {
  static override readonly code = 'LOCK_STORE';
  override readonly name = 'LockStoreError';

  /** @param action what was tried, as in "could not be …": `acquired`, `renewed`, `released`. */
  constructor(
    lockName: string,
    readonly action: string,
    cause: unknown,
  ) {
    super(
      'LOCK_STORE',
      lockName,
      `${lockName === '' ? 'The lock store' : `Lock ${quote(lockName)}`} could not be ${action}: ` +
        // A store that is set up wrongly must be repaired: it is no use to wait for it.
        (cause instanceof LockOptionsError
          ? cause.message
          : `the store did not answer (${shortCause(cause)}). ` +
            'Nothing is known about who holds it. See cause.'),
      { cause },
    );
  }
}

/** The name is held by this very call chain: waiting for it would be waiting for itself. */
export class LockReentryError extends LockError {
  static override readonly code = 'LOCK_REENTRY';
  override readonly name = 'LockReentryError';

  constructor(
    lockName: string,
    readonly owner: string,
  ) {
    super(
      'LOCK_REENTRY',
      lockName,
      `Lock ${quote(lockName)} is held by this very call chain (${quote(owner)}); taking it again ` +
        'would wait for itself. Set reentrant: true to join the outer hold, or move the inner call out.',
    );
  }
}

/** An option has a value that cannot be meant. Refused before anything is sent. */
export class LockOptionsError extends LockError {
  static override readonly code = 'LOCK_OPTIONS';
  override readonly name = 'LockOptionsError';

  /** @param allowed what is allowed, as in "ttlMs must be …". */
  constructor(
    readonly option: string,
    readonly value: unknown,
    allowed: string,
    lockName = '',
  ) {
    super('LOCK_OPTIONS', lockName, `${option} must be ${allowed}; got ${show(value)}.`);
  }
}

/** The application is shutting down: no new locks, and waiting ends. */
export class LockShutdownError extends LockError {
  static override readonly code = 'LOCK_SHUTDOWN';
  override readonly name = 'LockShutdownError';

  constructor(lockName: string) {
    super(
      'LOCK_SHUTDOWN',
      lockName,
      `Lock ${quote(lockName)} is not to be had: this application is shutting down. ` +
        'Try again on another instance.',
    );
  }
}

/** "12 s", "350 ms": for people. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  return `${Number((ms / 1_000).toFixed(ms < 10_000 ? 1 : 0))} s`;
}

function describeHolder(lockName: string, { owner, remainingMs, ahead }: HolderFacts): string {
  if (owner === null && ahead === 0) return `Lock ${quote(lockName)}: nothing was heard of it yet`;
  const line = ahead === 0 ? '' : `, ${ahead} ahead in the line`;
  return owner === null
    ? `Lock ${quote(lockName)} is free but not for us: others wait for it${line}`
    : `Lock ${quote(lockName)} is held by ${quote(owner)} for another ${duration(remainingMs)}${line}`;
}

function shortCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = (cause as Error & { code?: unknown }).code;
  if (typeof code === 'string' && code !== '') return code;
  return cause.message === '' ? cause.name : cause.message;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function show(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
