/**
 * Reads the logs of a run and says what must not be: two beliefs at once, tokens that do not rise.
 */
import type { Entry } from '../programs/lock-taker.js';

interface Belief {
  readonly taker: string;
  readonly token: number;
  readonly from: number;
  readonly to: number;
}

/** Clocks are one, but the log is written a moment after the fact. */
const SLACK_MS = 2;

/**
 * Until when each holder believed: it gave the lock back, was told of its loss, or (killed, paused)
 * came to its own deadline. A body that ran on beyond that is not a belief.
 */
export function beliefs(entries: readonly Entry[], name: string): readonly Belief[] {
  const open = new Map<string, { token: number; from: number; until: number }>();
  const made: Belief[] = [];
  const close = (taker: string, at: number): void => {
    const belief = open.get(taker);
    if (belief === undefined) return;
    open.delete(taker);
    // Paused, it says so late: its own deadline had come before. (Bodies here are over before a
    // first renewal, so the deadline of the grant is the one.)
    const to = Math.min(at, belief.until);
    made.push({ taker, token: belief.token, from: belief.from, to });
  };
  for (const entry of entries) {
    if (entry.name !== name) continue;
    const { taker, at, token = 0, until = Infinity, what } = entry;
    if (what === 'granted') open.set(taker, { token, from: at, until });
    if (what === 'released' || what === 'body-ended' || what === 'lost') close(taker, at);
  }
  // Whoever said no more was killed: nobody believes any more.
  return made.sort((a, b) => a.from - b.from);
}

/** Pairs of beliefs at the same time; there must be none. */
export function overlaps(all: readonly Belief[]): readonly (readonly [Belief, Belief])[] {
  return all.flatMap((belief, index) => {
    const next = all[index + 1];
    return next !== undefined && next.from < belief.to - SLACK_MS ? [[belief, next] as const] : [];
  });
}

/** Grants whose token is not above all earlier ones; there must be none. */
export function tokensThatFell(entries: readonly Entry[], name: string): readonly Entry[] {
  let highest = 0;
  return entries.filter(({ what, token = 0, ...entry }) => {
    if (what !== 'granted' || entry.name !== name) return false;
    const fell = token <= highest;
    highest = Math.max(highest, token);
    return fell;
  });
}
