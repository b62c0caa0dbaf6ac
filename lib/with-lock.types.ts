/**
 * What `@WithLock` accepts, and its compile errors. A method that does not fit makes the
 * decorator ask for a descriptor of a string type that no descriptor has: TypeScript then shows
 * the string.
 */
import type { Observable, ObservableInput } from 'rxjs';

import type { LockHeldError, LockWaitTimeoutError } from './core/lock-errors.js';
import type { LockOptions } from './core/lock-options.js';

/** One name, or several: those are taken all or none. */
export type LockNames = string | readonly string[];

/** Makes the name from the arguments of the call. Annotate its parameters as the method's are. */
export type NameFunction = (...args: never[]) => LockNames;

/** The lock could not be had: somebody else has it, and waiting (if any) did not help. */
export type BusyError = LockHeldError | LockWaitTimeoutError;

/**
 * What to do when the lock is not to be had:
 * - `throw` (the default): reject with the `LockHeldError` or `LockWaitTimeoutError`.
 * - `skip`: do not run; answer `undefined`, or an Observable that is empty. Logged at debug
 * level.
 * - a function: answer what it answers, given the error and the arguments of the call. Annotate its
 *   parameters: `(held: BusyError, id: string) => …`.
 */
export type WhenHeld = 'throw' | 'skip' | ((held: BusyError, ...args: never[]) => unknown);

/** What `@WithLock` takes beside the name: how long, how to wait, and what to do when held. */
export interface WithLockOptions<W extends WhenHeld = WhenHeld> extends LockOptions {
  /** What to do when the lock is not to be had; by default `throw`. */
  readonly whenHeld?: W;
  /** The `name` that was given to `forRoot`, for applications with several lock services. */
  readonly service?: string;
}

/** The decorator that `WithLock(…)` answers. */
export type LockedMethod<N extends LockNames | NameFunction, W extends WhenHeld> = <
  M extends (...args: never[]) => unknown,
>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<M> & Verdict<M, N, W>,
) => void;

type Verdict<M, N extends LockNames | NameFunction, W extends WhenHeld> = M extends (
  ...args: infer A
) => infer R
  ? AnswersLater<R> extends false
    ? '@WithLock: the method must return a Promise or an Observable; make it async.'
    : [N] extends [LockNames | ((...args: A) => LockNames)]
      ? WhenHeldVerdict<A, R, W>
      : "@WithLock: the name function must accept the method's parameters; annotate them alike."
  : never;

type WhenHeldVerdict<A extends readonly unknown[], R, W extends WhenHeld> =
  Exclude<W, 'throw' | 'skip'> extends (held: BusyError, ...args: A) => Instead<R>
    ? 'skip' extends W
      ? AdmitsUndefined<R> extends false
        ? "@WithLock: with whenHeld 'skip' the method may answer undefined; its return type must say so."
        : unknown
      : unknown
    : "@WithLock: the whenHeld function must accept the method's parameters and answer what it returns.";

/** Not distributive: `Promise<T> | T` is not good enough, nor is a promise or an Observable. */
type AnswersLater<R> = [R] extends [Promise<unknown>]
  ? true
  : [R] extends [Observable<unknown>]
    ? true
    : false;

/** An Observable that skips just ends; only a promise has to answer something. */
type AdmitsUndefined<R> = [R] extends [Observable<unknown>]
  ? true
  : undefined extends Awaited<R>
    ? true
    : false;

type Instead<R> = [R] extends [Observable<infer T>] ? ObservableInput<T> : R | Awaited<R>;
