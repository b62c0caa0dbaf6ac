/**
 * Reads the logs of a run and says what must not be: two beliefs at once, tokens that do not rise,
 * a body beside a newer one that is never told, an update that was lost or came too late.
 */
import type { Entry } from '../programs/diary.js';
import type { Row } from '../programs/witness.js';

/** A stretch of time of one holder under one token. */
export interface Span {
  readonly taker: string;
  readonly token: number;
  readonly from: number;
  readonly to: number;
}

/** All that is wrong with what happened under one name, in sentences; nothing, if nothing is. */
export function wrongs(
  entries: readonly Entry[],
  name: string,
  rows: readonly Row[] | null,
): readonly string[] {
  return [
    ...overlaps(beliefs(entries, name)).map((pair) => `two believed: ${JSON.stringify(pair)}`),
    ...tokensThatFell(entries, name).map((entry) => `a token fell: ${JSON.stringify(entry)}`),
    ...neverTold(entries, name).map((pair) => `never told: ${JSON.stringify(pair)}`),
    ...(rows === null ? [] : wrongRows(entries, name, rows)),
  ];
}

/**
 * When each holder believed: from the grant until it was about to give the lock back, was told of
 * its loss, was killed, or came to its own deadline, as the last renewal that it heard of has it.
 * Paused, it says so late, or never: its deadline had come before. A body that runs on beyond that
 * is not a belief.
 */
export function beliefs(entries: readonly Entry[], name: string): readonly Span[] {
  const open = new Map<string, { taker: string; token: number; from: number; until: number }>();
  const made: Span[] = [];
  const close = (key: string, at: number): void => {
    const belief = open.get(key);
    if (belief === undefined) return;
    open.delete(key);
    const { taker, token, from, until } = belief;
    // One that was over when it was told never was one.
    if (until > from) made.push({ taker, token, from, to: Math.min(at, until) });
  };
  for (const entry of entries) {
    const { taker, at, token = 0, until = Infinity, what } = entry;
    const key = `${taker} ${token}`;
    if (what === 'killed') forEachOf(open, taker, close, at);
    if (entry.name !== name) continue;
    if (what === 'granted') open.set(key, { taker, token, from: at, until });
    const belief = open.get(key);
    if (what === 'renewed' && belief !== undefined) belief.until = Math.max(belief.until, until);
    if (what === 'released' || what === 'body-ended' || what === 'lost') close(key, at);
  }
  for (const key of [...open.keys()]) close(key, Infinity);
  return made.sort((a, b) => a.from - b.from);
}

/** When each body ran, whatever its holder believed. */
export function bodies(entries: readonly Entry[], name: string): readonly Span[] {
  const open = new Map<string, { taker: string; token: number; from: number }>();
  const made: Span[] = [];
  const close = (key: string, at: number): void => {
    const body = open.get(key);
    if (body === undefined) return;
    open.delete(key);
    made.push({ ...body, to: at });
  };
  for (const { taker, at, token = 0, what, name: of } of entries) {
    const key = `${taker} ${token}`;
    if (what === 'killed') forEachOf(open, taker, close, at);
    if (of !== name) continue;
    if (what === 'body-began') open.set(key, { taker, token, from: at });
    if (what === 'body-ended') close(key, at);
  }
  for (const key of [...open.keys()]) close(key, Infinity);
  return made.sort((a, b) => a.from - b.from);
}

/** Pairs at the same time, each with the one that began before it and lasted longest. */
export function overlaps(spans: readonly Span[]): readonly (readonly [Span, Span])[] {
  let longest: Span | null = null;
  const found: (readonly [Span, Span])[] = [];
  for (const span of spans) {
    if (longest !== null && span.from < longest.to) found.push([longest, span]);
    if (longest === null || span.to > longest.to) longest = span;
  }
  return found;
}

/** Grants whose token is not above all earlier ones. */
export function tokensThatFell(entries: readonly Entry[], name: string): readonly Entry[] {
  let highest = 0;
  return entries.filter(({ what, token = 0, until = Infinity, ...entry }) => {
    if (what !== 'granted' || entry.name !== name) return false;
    // Paused on its way, a grant may be told when it is over, and others have come after it.
    if (until <= entry.at) return false;
    const fell = token <= highest;
    highest = Math.max(highest, token);
    return fell;
  });
}

/** Bodies that ran beside one with a newer token, and whose holder lived and was not told. */
export function neverTold(
  entries: readonly Entry[],
  name: string,
): readonly (readonly [Span, Span])[] {
  const told = new Set<string>();
  for (const { taker, token, what, code, name: of } of entries) {
    if (what === 'killed') told.add(taker);
    const isLoss = what === 'lost' || (what === 'refused' && code === 'LOCK_LOST');
    if (of === name && isLoss) told.add(`${taker} ${token}`);
  }
  const all = bodies(entries, name);
  return all.flatMap((body) => {
    const { taker, token, from, to } = body;
    if (told.has(taker) || told.has(`${taker} ${token}`)) return [];
    const newer = all.find((one) => one.token > token && one.from < to && one.to > from);
    return newer === undefined ? [] : [[body, newer] as const];
  });
}

/** The rows of the witness, by number: 1, 2, 3, …, tokens rising, none missing that was counted. */
function wrongRows(entries: readonly Entry[], name: string, rows: readonly Row[]): string[] {
  const tokens = new Set(rows.map(({ token }) => token));
  const missing = entries.filter(
    ({ what, token = 0, ...entry }) =>
      what === 'counted' && entry.name === name && !tokens.has(token),
  );
  return [
    ...rows
      .filter(({ n }, index) => n !== (rows[index - 1]?.n ?? 0) + 1)
      .map((row) => `an update was lost: ${JSON.stringify(row)}`),
    ...rows
      .filter(({ token }, index) => token <= (rows[index - 1]?.token ?? 0))
      .map((row) => `a write came too late: ${JSON.stringify(row)}`),
    ...missing.map((entry) => `a write is not there: ${JSON.stringify(entry)}`),
  ];
}

function forEachOf(
  open: ReadonlyMap<string, { readonly taker: string }>,
  taker: string,
  close: (key: string, at: number) => void,
  at: number,
): void {
  for (const [key, one] of [...open]) if (one.taker === taker) close(key, at);
}
