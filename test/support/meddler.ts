/**
 * A driver whose next calls can be meddled with: held back, lost, or answered by the test. Each
 * meddling is used once, in order; without one a call goes through untouched.
 */
import type { LockDriver } from '../../lib/core/lock-driver.js';

type Verb = 'open' | 'acquire' | 'renew' | 'release' | 'leave' | 'inspect' | 'watch';
/** @param go does what the driver would have done. */
type Meddling = (go: () => Promise<unknown>) => Promise<unknown>;

export interface Meddler {
  readonly driver: LockDriver;
  /** Verbs in the order in which they were called. */
  readonly calls: string[];
  next(verb: Verb, meddling: Meddling): void;
}

export function meddler(inner: LockDriver): Meddler {
  const calls: string[] = [];
  const queues = new Map<string, Meddling[]>();
  const driver = new Proxy(inner, {
    get(target, verb) {
      const value: unknown = Reflect.get(target, verb, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const go = (): Promise<unknown> => Reflect.apply(value, target, args) as Promise<unknown>;
        if (typeof verb !== 'string' || verb === 'onWake') return go();
        calls.push(verb);
        const meddling = queues.get(verb)?.shift();
        return meddling === undefined ? go() : meddling(go);
      };
    },
  });
  return {
    driver,
    calls,
    next(verb, meddling) {
      queues.set(verb, [...(queues.get(verb) ?? []), meddling]);
    },
  };
}

/** Never answered. */
export function silence(): Promise<never> {
  return new Promise(() => undefined);
}

/** Applied, but the answer is lost. */
export async function cut(go: () => Promise<unknown>): Promise<never> {
  await go();
  throw new Error('ECONNRESET');
}
