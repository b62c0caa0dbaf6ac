/**
 * Turns that callers of one process take under one lease: when a lease may pass from one to the
 * next without asking the store, and what the next one is told.
 */
import type { HeldLock } from './held-lock.js';
import type { Ending } from './lease.js';
import { describeError } from './lease.js';
import type { Terms } from './lock-options.js';

/** How long the callers of one process may pass a lease among themselves. */
const TURNS_MS = 20;

/**
 * Whether the next caller's turn may follow under the same lease.
 *
 * @param tokensEnd the lease's block of tokens ends before this one.
 */
export function mayPass(turn: HeldLock, next: Terms, tokensEnd: number, now: number): boolean {
  const { kept, terms, token } = turn;
  return (
    kept.live &&
    !kept.isNoted &&
    now < kept.grantedAt + TURNS_MS &&
    now < kept.deadline &&
    token + 1 < tokensEnd &&
    next.ttlMs === terms.ttlMs &&
    isPlain(terms) &&
    isPlain(next)
  );
}

/** Two turns can share a lease if neither asks anything special of it. */
function isPlain({ renew, atLeastMs, atMostMs, note }: Terms): boolean {
  return renew && atLeastMs === 0 && atMostMs === null && note === null;
}

/** How this turn ended, for the one that follows it. */
export function endingOf({ owner, token }: HeldLock, error: unknown): Ending {
  if (error === undefined) return { how: 'released', owner, token };
  return { how: 'failed', owner, token, error: describeError(error) };
}
