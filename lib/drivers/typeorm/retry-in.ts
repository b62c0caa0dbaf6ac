/**
 * When a refused caller asks again if nothing is heard: with push, when the name can fall free by
 * itself or the ticket must be refreshed; without, paced by the place in the line, so that a
 * thousand waiters do not cost a thousand polls.
 */
import { LINE_TIMES } from '../../core/lock-driver.js';

export interface RefusalFacts {
  /** Whether anybody holds, claims or rests. */
  readonly taken: boolean;
  /** Until that runs out by itself; 0 when free. */
  readonly remainingMs: number;
  readonly ahead: number;
  /** Until the first live ticket runs out; only asked for when the name is free. */
  readonly firstDiesInMs: number;
}

/** How soon the first of the line looks without push, and how much later each place behind it. */
const FIRST_LOOKS_MS = 10;
const PLACE_LOOKS_MS = 25;

export function retryInMs(facts: RefusalFacts, pushed: boolean): number {
  // The first of the line comes when the name falls free by itself; the others of a free name come
  // when its first, who has not come, is given up; all others are told, or refresh their ticket.
  const event = !facts.taken
    ? facts.firstDiesInMs
    : facts.ahead === 0
      ? facts.remainingMs
      : LINE_TIMES.refreshMs;
  const look = pushed ? LINE_TIMES.refreshMs : FIRST_LOOKS_MS + facts.ahead * PLACE_LOOKS_MS;
  return Math.max(1, Math.min(LINE_TIMES.refreshMs, Math.ceil(event), look));
}

/** When a watcher looks again: what time does by itself is told to nobody. */
export function watchAgainInMs(
  state: { readonly phase: string; readonly remainingMs: number },
  pushed: boolean,
): number {
  const runsOut = state.phase === 'free' ? Infinity : state.remainingMs;
  return Math.max(1, Math.min(pushed ? LINE_TIMES.refreshMs : UNPUSHED_WATCH_MS, runsOut));
}

const UNPUSHED_WATCH_MS = 250;
