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
import { DEFAULT_SERVICE } from './lock.tokens.js';
import { injectService, serviceOf } from './service-property.js';
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
 * The method must return a promise or an Observable. A method that is declared to return an
 * Observable (imported as a value, so that TypeScript can tell) takes the lock at each
 * subscription and holds it until that ends; a promised Observable is under the lock that the
 * call took, and can be subscribed to once, within 10 s. Its result and its own errors
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
    const wrap = { stream: wrapStream, promise: wrapPromise, unknown: wrapUnknown }[
      kindOf(method, Reflect.getMetadata('design:returntype', target, key))
    ];
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
    const locks = serviceOf(this, lock.service, lock.where);
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
    const locks = serviceOf(this, lock.service, lock.where);
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

/** As a promise; and who takes it for an Observable hears why it is none. */
function wrapUnknown(lock: MethodLock, method: Method): Method {
  const wrapped = wrapPromise(lock, method);
  const refuse = (): never => {
    throw new LockError(
      'LOCK_OPTIONS',
      '',
      `${lock.where} answers a promise, for nothing said that it returns an Observable when it was ` +
        'decorated: annotate its return type, import Observable as a value (not by import type), ' +
        'and compile with emitDecoratorMetadata. Or await it.',
    );
  };
  return function (...args) {
    const promise = wrapped.apply(this, args) as object;
    for (const use of ['subscribe', 'pipe']) {
      Object.defineProperty(promise, use, { value: refuse });
    }
    return promise;
  };
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

function checkNames(names: LockNames): void {
  for (const name of Array.isArray(names) ? names : [names]) checkName(name as string);
}

function checkWhenHeld(whenHeld: unknown): void {
  if (whenHeld === 'throw' || whenHeld === 'skip' || typeof whenHeld === 'function') return;
  throw new LockOptionsError('whenHeld', whenHeld, "'throw', 'skip' or a function");
}

/**
 * What the method returns has to be known before its lock is there: by the return type that
 * TypeScript emits for decorated methods, where an rxjs of any copy will do, or because it is
 * async.
 */
function kindOf(method: Method, returnType: unknown): 'stream' | 'promise' | 'unknown' {
  if (typeof returnType === 'function' && isObservable(returnType.prototype)) return 'stream';
  const isAsync = Object.prototype.toString.call(method) === '[object AsyncFunction]';
  return isAsync || returnType === Promise ? 'promise' : 'unknown';
}

function classNameOf(target: object): string {
  return typeof target === 'function' ? target.name : target.constructor.name;
}
