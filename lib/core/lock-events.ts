/**
 * What happens to locks, told to one observer: for logs, metrics and traces. The core itself writes
 * no log. An observer that throws is ignored; it must not be able to break a lock.
 */
import type { LockError, LockStoreError } from './lock-errors.js';

/** What happened to a lock, for logs and metrics. */
export type LockEvent =
  /** A caller has the lock now. */
  | {
      readonly type: 'acquired';
      readonly name: string;
      readonly owner: string;
      readonly token: number;
      readonly waitedMs: number;
    }
  /** A caller did not get it: held, timed out, the store is down, or shutting down. */
  | { readonly type: 'refused'; readonly name: string; readonly error: LockError }
  /** A caller gave its lock back. */
  | {
      readonly type: 'released';
      readonly name: string;
      readonly owner: string;
      readonly token: number;
      readonly heldMs: number;
    }
  /** A lease was lost, or abandoned at shutdown, while its caller still worked. */
  | { readonly type: 'lost'; readonly name: string; readonly error: LockError }
  /** A step failed in the store. It is tried again by itself as long as that makes sense. */
  | { readonly type: 'store-error'; readonly name: string; readonly error: LockStoreError };

/** Is told of every event, at once. It must not throw, and should not take long. */
export type LockObserver = (event: LockEvent) => void;

/** The observer, made harmless. */
export function safely(observer: LockObserver | undefined): LockObserver | null {
  if (observer === undefined) return null;
  return (event) => {
    try {
      observer(event);
    } catch {
      // See above: telling comes second, locking first.
    }
  };
}
