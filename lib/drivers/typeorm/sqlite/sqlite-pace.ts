/**
 * SQLite has no push: waiters look. How often is decided here: the first of the line looks often,
 * each one behind it less so; and the longer the hold lasts already, the less a little lateness
 * matters.
 */
import type { Refused } from '../../../core/lock-driver.js';

/** What the first of the line waits between two looks at a hold that has just begun. */
const SOONEST_MS = 2;
const LATEST_MS = 250;
/** Lateness that is allowed per time already held: a hold of one second may be missed by 20 ms. */
const SHARE_OF_HOLD = 0.02;

/** @param heldForMs since the grant, or since the hand-over; 0 when free. */
export function pacedRetryInMs({ ahead, retryInMs }: Refused, heldForMs: number): number {
  const first = Math.max(SOONEST_MS, heldForMs * SHARE_OF_HOLD);
  return Math.max(1, Math.min(retryInMs, LATEST_MS, Math.ceil(first * (1 + ahead))));
}
