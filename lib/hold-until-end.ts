/**
 * Observables under a lock: it is held while somebody listens, until the stream completes, fails
 * or is unsubscribed from. A lost lease ends the stream with the `LockLostError`.
 */
import { AsyncResource } from 'node:async_hooks';
import { Observable, Subject, from, merge, takeUntil } from 'rxjs';
import type { ObservableInput, Subscriber } from 'rxjs';

/** Runs `body` under a lock; settles, as the body did, when the lock has been given back. */
export type Hold = (
  giveUp: AbortSignal,
  body: (lost: AbortSignal) => Promise<unknown>,
) => Promise<unknown>;

/**
 * For a method that answers an Observable directly: each subscription takes the lock, then calls
 * `open` for its own stream. `onRefused` may replace an error that came before the stream was
 * opened by another stream; else it throws.
 */
export function lockEachSubscription(
  hold: Hold,
  open: () => ObservableInput<unknown>,
  onRefused: (error: unknown) => ObservableInput<unknown>,
): Observable<unknown> {
  return new Observable((subscriber) => {
    const leaving = new AbortController();
    subscriber.add(() => {
      leaving.abort();
    });
    let opened = false;
    const body = (lost: AbortSignal): Promise<void> => {
      opened = true;
      return pour(from(open()), subscriber, lost);
    };
    const instead = (error: unknown): void => {
      try {
        if (opened) throw error;
        subscriber.add(from(onRefused(error)).subscribe(subscriber));
      } catch (final) {
        subscriber.error(final);
      }
    };
    hold(leaving.signal, body).then(() => {
      subscriber.complete();
    }, instead);
  });
}

/** How long an answered Observable keeps its lock before anybody has subscribed to it. */
export const SUBSCRIBE_WITHIN_MS = 10_000;

/** An Observable that a body has answered, and the end of the one subscription that it bears. */
export interface HeldStream {
  readonly stream: Observable<unknown>;
  /** Settles when the stream has ended, or nobody came for it in time. */
  readonly ended: Promise<void>;
}

/**
 * For a method that answers a promise of an Observable: the lock is held already, so the stream
 * may be subscribed to once, and soon; the lock is not held for ever for a stream that nobody
 * wants.
 *
 * @param released settles when the lock has been given back; the subscriber sees its end then.
 */
export function holdUntilEnd(
  source: Observable<unknown>,
  lost: AbortSignal,
  released: () => Promise<unknown>,
): HeldStream {
  // Whoever subscribes does so outside of the body; the source still belongs to its call chain.
  const chain = new AsyncResource('WithLock');
  let open = true;
  let end: (ended: Promise<void> | undefined) => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const timer = setTimeout(() => {
    open = false;
    end(undefined);
  }, SUBSCRIBE_WITHIN_MS);
  timer.unref();

  const stream = new Observable((subscriber) => {
    if (!open) {
      // Its lock is gone, or serves another subscriber: pouring would run it unlocked.
      subscriber.error(new Error(ONE_SUBSCRIPTION));
      return;
    }
    open = false;
    clearTimeout(timer);
    end(chain.runInAsyncScope(pour, undefined, source, subscriber, lost));
    released().then(
      () => {
        subscriber.complete();
      },
      (error: unknown) => {
        subscriber.error(error);
      },
    );
  });
  return { stream, ended };
}

const ONE_SUBSCRIPTION =
  'An Observable answered under @WithLock can be subscribed to once, within ' +
  `${SUBSCRIBE_WITHIN_MS / 1_000} s, while its lock is held. Declare the method to return the ` +
  'Observable itself, not a promise of it: then each subscription takes the lock.';

/** Passes values on. Settles at the end, also when the subscriber leaves or the lease is lost. */
function pour(
  source: Observable<unknown>,
  subscriber: Subscriber<unknown>,
  lost: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const left = new Subject<void>();
    subscriber.add(() => {
      left.next();
    });
    if (subscriber.closed) {
      resolve();
      return;
    }
    source.pipe(takeUntil(merge(left, failOn(lost)))).subscribe({
      next: (value) => {
        subscriber.next(value);
      },
      error: reject,
      complete: resolve,
    });
  });
}

/** Emits nothing, and fails with the reason of the signal once it aborts. */
function failOn(signal: AbortSignal): Observable<never> {
  return new Observable((subscriber) => {
    const fail = (): void => {
      subscriber.error(signal.reason);
    };
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail, { once: true });
    return () => {
      signal.removeEventListener('abort', fail);
    };
  });
}
