/**
 * What the library writes into the application's log, through Nest's `Logger`. A lost lock is an
 * error; a body that outlives a shutdown and trouble with the store are warnings, of the latter
 * at most one in five seconds; all the rest is silent.
 */
import { Logger } from '@nestjs/common';

import type { LockObserver } from './core/lock-events.js';

export const LOG_CONTEXT = 'DistributedLock';

/** A store that is down fails every lock of every caller: one line in this time tells it all. */
const WARN_EVERY_MS = 5_000;

/** An observer that logs, then tells `next`. */
export function logEvents(
  next?: LockObserver,
  now = (): number => performance.now(),
): LockObserver {
  const logger = new Logger(LOG_CONTEXT);
  let silentUntil = -Infinity;
  let untold = 0;
  return (event) => {
    if (event.type === 'lost') {
      if (event.error.code === 'LOCK_SHUTDOWN') logger.warn(abandoned(event.name));
      else logger.error(event.error.message);
    }
    if (event.type === 'store-error') {
      if (now() < silentUntil) {
        untold += 1;
      } else {
        const more = untold === 0 ? '' : ` (and ${untold} like it since the last warning)`;
        silentUntil = now() + WARN_EVERY_MS;
        untold = 0;
        logger.warn(`${event.error.message}${more}`);
      }
    }
    next?.(event);
  };
}

function abandoned(name: string): string {
  return (
    `Lock ${JSON.stringify(name)} was held when the grace of the shutdown was over: its body was ` +
    'told to stop, and its lease is left to run out. Raise shutdownGraceMs if it needs longer.'
  );
}
