/**
 * What `forRoot` takes, validated once and then frozen. Wrong options stop the application at its
 * start, not at its first lock.
 */
import type { ConfigurableModuleAsyncOptions } from '@nestjs/common';

import type { LockDriver } from './core/lock-driver.js';
import { LockOptionsError } from './core/lock-errors.js';
import type { LockObserver } from './core/lock-events.js';
import { checkMs, checkTerms } from './core/lock-options.js';
import type { LockDefaults } from './core/lock-options.js';

/** What `DistributedLockModule.forRoot` takes; checked once, at the start, then frozen. */
export interface DistributedLockOptions {
  /** Where the locks are kept: `redisLocks(…)`, `typeOrmLocks(…)` or `memoryLocks()`. */
  readonly driver: LockDriver;
  /** For locks that do not say otherwise. */
  readonly defaults?: LockDefaults;
  /** How long `app.close()` waits for bodies that still run under a lock; by default 10 s. */
  readonly shutdownGraceMs?: number;
  /** How long one call to the store may take before it counts as failed; by default 5 s. */
  readonly storeTimeoutMs?: number;
  /** Told of every lock taken, refused, given back and lost: for metrics. */
  readonly onEvent?: LockObserver;
}

/** What stands beside the options, in both forms. */
export interface DistributedLockModuleExtras {
  /** Whether every module sees the service without importing this one; by default `true`. */
  readonly isGlobal?: boolean;
  /** For a second service, and a third: what `@InjectLockService(name)` asks for. */
  readonly name?: string;
}

/** What `forRootAsync` takes: `useFactory` (with `inject`), `useClass` or `useExisting`. */
export type DistributedLockAsyncOptions = ConfigurableModuleAsyncOptions<
  DistributedLockOptions,
  'createDistributedLockOptions'
> &
  DistributedLockModuleExtras;

/** For `useClass` and `useExisting`. */
export interface DistributedLockOptionsFactory {
  /** Called once, when the application starts. */
  createDistributedLockOptions(): DistributedLockOptions | Promise<DistributedLockOptions>;
}

/** The checked form. */
export interface CheckedOptions extends Omit<DistributedLockOptions, 'shutdownGraceMs'> {
  readonly shutdownGraceMs: number;
}

const SHUTDOWN_GRACE_MS = 10_000;

const OPTIONS = ['driver', 'defaults', 'shutdownGraceMs', 'storeTimeoutMs', 'onEvent'] as const;
const DEFAULTS = ['ttlMs', 'waitMs', 'renew'] as const;
const DRIVER_METHODS = [
  ...(['open', 'acquire', 'renew', 'release', 'leave', 'inspect', 'list', 'watch'] as const),
  ...(['forceRelease', 'onWake', 'close'] as const),
];

/** Refuses what cannot be meant, with a `LockOptionsError`, and freezes the rest. */
export function checkOptions(options: DistributedLockOptions): CheckedOptions {
  if (!isObject(options)) {
    throw new LockOptionsError('forRoot(options)', options, 'an object with a driver');
  }
  refuseUnknown(options, OPTIONS, '');
  const {
    driver,
    defaults,
    shutdownGraceMs = SHUTDOWN_GRACE_MS,
    storeTimeoutMs,
    onEvent,
  } = options;
  if (!isDriver(driver)) {
    throw new LockOptionsError(
      'driver',
      driver,
      'a LockDriver, as memoryLocks(), redisLocks({ … }) and typeOrmLocks({ … }) make',
    );
  }
  if (defaults !== undefined) {
    if (!isObject(defaults)) throw new LockOptionsError('defaults', defaults, 'an object');
    refuseUnknown(defaults, DEFAULTS, 'defaults.');
    checkTerms(defaults);
  }
  checkMs('shutdownGraceMs', shutdownGraceMs, 0);
  if (storeTimeoutMs !== undefined) checkMs('storeTimeoutMs', storeTimeoutMs, 1);
  if (onEvent !== undefined && typeof onEvent !== 'function') {
    throw new LockOptionsError('onEvent', onEvent, 'a function');
  }
  return Object.freeze({ ...options, shutdownGraceMs });
}

/** The name of a service: any text, for it is only compared. */
export function checkServiceName(name: unknown): string {
  if (typeof name === 'string' && name !== '') return name;
  throw new LockOptionsError('name', name, 'a text that is not empty');
}

function refuseUnknown(options: object, known: readonly string[], prefix: string): void {
  for (const [option, value] of Object.entries(options)) {
    if (known.includes(option)) continue;
    const beside =
      option === 'name' || option === 'isGlobal' ? ' (it stands beside useFactory)' : '';
    const allowed = `left out${beside}: the options are ${known.join(', ')}`;
    throw new LockOptionsError(`${prefix}${option}`, value, allowed);
  }
}

function isDriver(driver: unknown): driver is LockDriver {
  if (!isObject(driver)) return false;
  return DRIVER_METHODS.every((method) => typeof driver[method] === 'function');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
