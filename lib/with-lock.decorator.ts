/**
 * `@WithLock`: the method runs under a lock, on one instance of the application at a time. It is
 * wrapped when it is decorated, because Nest collects routes, crons and listeners before any hook
 * runs, and it gets its `LockService` by property injection: no service, no start.
 */
import { Logger } from '@nestjs/common';
import { EMPTY, isObservable } from 'rxjs';
import type { Observable, ObservableInput } from 'rxjs';

import { carryOver } from './carry-over.js';
import type { Method } from './carry-over.js';
import { LockError, LockOptionsError } from './core/lock-errors.js';
import { checkName, checkTerms } from './core/lock-options.js';
import type { LockOptions } from './core/lock-options.js';
import { checkServiceName } from './distributed-lock.options.js';
import { holdUntilEnd, lockEachSubscription } from './hold-until-end.js';
import { LOG_CONTEXT } from './lock-log.js';
import type { LockService } from './lock.service.js';
import { DEFAULT_SERVICE, InjectLockService, getLockServiceToken } from './lock.tokens.js';
import type {
  BusyError,
  LockNames,
  LockedMethod,
  NameFunction,
  WhenHeld,
  WithLockOptions,
} from './with-lock.types.js';

/**
 * Runs the method under a lock.
 *
 * @param name what to lock: a name, several (all or none), or a function that makes them from the
 *   arguments of the call.
 * @param options how long the lease is, in milliseconds, or all the options. A lease is renewed
 *   until the method settles.
 *
 * The method must return a promise or an Observable. A method declared to return an Observable
 * takes the lock at each subscription and holds it until that ends. Its result and its own errors
 * pass through untouched; if the lease was lost meanwhile, the call rejects with `LockLostError`.
 *
 * @example
 * class Reports {
 *   @WithLock('nightly-report', 60_000)
 *   async nightly(): Promise<void> {}
 *
 *   @WithLock((id: string) => `report:${id}`, { ttlMs: 60_000, waitMs: 10_000 })
 *   async build(id: string): Promise<string> {
 *     return `report ${id}`;
 *   }
 *
 *   // On every instance at three o'clock; one works, the others skip.
 *   @Cron('0 3 * * *')
 *   @WithLock('billing', { ttlMs: 60_000, waitMs: 0, whenHeld: 'skip', atLeastMs: 30_000 })
 *   async bill(): Promise<void> {}
 * }
 */
export function WithLock<N extends LockNames | NameFunction, W extends WhenHeld = 'throw'>(
  name: N,
  options: number | WithLockOptions<W> = {},
): LockedMethod<N, W> {
  const {
    whenHeld = 'throw',
    service = DEFAULT_SERVICE,
    ...lockOptions
  } = typeof options === 'number' ? ({ ttlMs: options } as WithLockOptions<W>) : options;
  checkWhenHeld(whenHeld);
  checkServiceName(service);
  checkTerms(lockOptions);
  if (typeof name !== 'function') checkNames(name);

  return (target, key, descriptor) => {
    const where = `${classNameOf(target)}.${String(key)}()`;
    const slot = descriptor as { value?: unknown } as { value?: Method };
    const method = slot.value;
    if (typeof method !== 'function' || typeof target === 'function') {
      throw new LockOptionsError('@WithLock', where, 'on a method of instances');
    }
    injectService(target, service);
    const lock: MethodLock = {
      where,
      service,
      whenHeld: whenHeld as MethodLock['whenHeld'],
      options: Object.freeze(lockOptions),
      namesOf: typeof name === 'function' ? (name as unknown as MethodLock['namesOf']) : () => name,
    };
    const wrap = declaresObservable(target, key) ? wrapStream : wrapPromise;
    slot.value = carryOver(method, wrap(lock, method));
  };
}

/** All that a wrapper has to know. */
interface MethodLock {
  /** For messages: `Reports.nightly()`. */
  readonly where: string;
  readonly service: string;
  readonly options: LockOptions;
  readonly namesOf: (...args: unknown[]) => LockNames;
  readonly whenHeld: 'throw' | 'skip' | ((held: BusyError, ...args: unknown[]) => unknown);
}

function wrapPromise(lock: MethodLock, method: Method): Method {
  return async function (...args) {
    const locks = serviceOf(this, lock);
    const names = lock.namesOf(...args);
    let entered = false as boolean;
    let answerEarly: (stream: Observable<unknown>) => void;
    const early = new Promise<Observable<unknown>>((resolve) => {
      answerEarly = resolve;
    });
    const whole: Promise<unknown> = hold(locks, names, lock.options, async (held) => {
      entered = true;
      const result = await method.apply(this, args);
      if (!isObservable(result)) return result;
      // The caller gets the stream now; the lock stays until the stream has ended.
      const { stream, ended } = holdUntilEnd(result, held.signal, () => whole);
      answerEarly(stream);
      return ended;
    });
    try {
      return await Promise.race([whole, early]);
    } catch (error) {
      // A busy lock inside the body is the body's affair, and passes through.
      if (entered || !isBusy(error)) throw error;
      return whenBusy(error, lock, args);
    }
  };
}

function wrapStream(lock: MethodLock, method: Method): Method {
  return function (...args) {
    const locks = serviceOf(this, lock);
    return lockEachSubscription(
      (giveUp, body) => {
        const { signal } = lock.options;
        const options = {
          ...lock.options,
          signal: signal === undefined ? giveUp : AbortSignal.any([signal, giveUp]),
        };
        return hold(locks, lock.namesOf(...args), options, (held) => body(held.signal));
      },
      () => method.apply(this, args) as Observable<unknown>,
      (error) => {
        if (!isBusy(error)) throw error;
        const instead = whenBusy(error, lock, args);
        return instead === undefined ? EMPTY : (instead as ObservableInput<unknown>);
      },
    );
  };
}

/** Of one name or of several: a body asks no more of its lock than this. */
interface Held {
  readonly signal: AbortSignal;
}

function hold(
  locks: LockService,
  names: LockNames,
  options: LockOptions,
  body: (held: Held) => Promise<unknown>,
): Promise<unknown> {
  checkNames(names);
  return typeof names === 'string'
    ? locks.withLock(names, options, body)
    : locks.withLock(names, options, body);
}

const logger = new Logger(LOG_CONTEXT);

function whenBusy(error: BusyError, { whenHeld, where }: MethodLock, args: unknown[]): unknown {
  if (whenHeld === 'throw') throw error;
  if (whenHeld !== 'skip') return whenHeld(error, ...args);
  logger.debug(`Skipped ${where}: ${error.message}`);
  return undefined;
}

/** By its code, not its class: it may come from the other copy of this package. */
function isBusy(error: unknown): error is BusyError {
  const code: unknown = (error as Partial<BusyError> | null | undefined)?.code;
  return code === 'LOCK_HELD' || code === 'LOCK_WAIT_TIMEOUT';
}

/**
 * Lets Nest put the service on every instance, under its token as the property's key. The
 * accessor keeps it out of sight: not enumerable, so that no serializer or comparison meets it.
 */
function injectService(target: object, service: string): void {
  const key = getLockServiceToken(service);
  // Another method of the class, or of one that it inherits from, has asked for it already.
  if (key in target) return;
  Object.defineProperty(target, key, {
    configurable: true,
    get: () => undefined,
    set(this: object, value: unknown) {
      Object.defineProperty(this, key, { value, configurable: true, writable: true });
    },
  });
  InjectLockService(service)(target, key);
}

function serviceOf(instance: object | undefined, { service, where }: MethodLock): LockService {
  const key = getLockServiceToken(service);
  const found = (instance as Record<symbol, LockService | undefined> | undefined)?.[key];
  if (found !== undefined) return found;
  const why =
    instance === undefined
      ? 'it was called without its instance (this is undefined)'
      : `Nest injects it, and Nest did not make this ${instance.constructor.name} (was it made with new?)`;
  throw new LockError(
    'LOCK_OPTIONS',
    '',
    `${where} did not run, for it has no lock service: ${why}. Make the class a provider or a ` +
      'controller of a module, or use LockService.withLock where you make it.',
  );
}

function checkNames(names: LockNames): void {
  for (const name of Array.isArray(names) ? names : [names]) checkName(name as string);
}

function checkWhenHeld(whenHeld: unknown): void {
  if (whenHeld === 'throw' || whenHeld === 'skip' || typeof whenHeld === 'function') return;
  throw new LockOptionsError('whenHeld', whenHeld, "'throw', 'skip' or a function");
}

/** By the metadata that TypeScript emits for decorated methods; an rxjs of any copy will do. */
function declaresObservable(target: object, key: string | symbol): boolean {
  const type: unknown = Reflect.getMetadata('design:returntype', target, key);
  return typeof type === 'function' && isObservable(type.prototype);
}

function classNameOf(target: object): string {
  return typeof target === 'function' ? target.name : target.constructor.name;
}
