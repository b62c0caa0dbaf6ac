/**
 * A storm: crews count on something that the lock alone protects. In one, processes are stopped in
 * their bodies; in the next they are killed, connections cut and the store restarted. Answers what
 * was seen, and what of it was wrong.
 */
import { Crew } from './crew.js';
import { bodies, overlaps, wrongs, type Span } from './history.js';
import { readLog } from './log-reader.js';
import type { FaultStore } from './stores.js';

export interface StormOptions {
  readonly size: number;
  /** For each of them. */
  readonly rounds: number;
  readonly ttlMs: number;
  /** How many are killed at most; every second one with the lock in hands, if there is one. */
  readonly kills: number;
  readonly everyMs: number;
}

/** More than a waiter's refresh: the next one comes just when the lease of a stopped one ends. */
const CALM_TTL_MS = 2_200;
/** More than there is time for. */
const ENDLESS = 1_000_000;
/** After which kill. */
const CUT = 5;
const RESTART = 10;

export interface Aftermath {
  /** In sentences. */
  readonly wrongs: readonly string[];
  /** Rounds that were written. */
  readonly written: number;
  readonly kills: number;
  readonly ms: number;
  /** Bodies that ran at the same time, because one of them was stopped beyond its lease. */
  readonly besides: readonly (readonly [Span, Span])[];
  /**
   * Whether somebody was stopped beyond its lease, told when it woke, and its write refused; and
   * whether somebody's lease was renewed.
   */
  readonly disturbed: {
    readonly beforeWrite: boolean;
    readonly beforeCommit: boolean | null;
    readonly renewed: boolean;
  };
}

export async function storm(store: FaultStore, options: StormOptions): Promise<Aftermath> {
  const { size, rounds, ttlMs } = options;
  const rowsOf = await store.tableWitness();
  const startedAt = performance.now();
  const calmTerms = { ttlMs: CALM_TTL_MS, waitMs: 60_000 };
  const calm = await Crew.start(store, { size: 4, rounds: ENDLESS, options: calmTerms });
  const disturbed = await disturbBodies(calm, store);
  await calm.end();
  await store.silence();

  const crew = await Crew.start(store, { size, rounds, options: { ttlMs, waitMs: 60_000 } });
  try {
    await Promise.all([crew.done, killSome(crew, store, options)]);
  } finally {
    await crew.end();
    await store.silence();
  }
  const ms = Math.round(performance.now() - startedAt);
  const entries = readLog(store.log);
  const rows = await rowsOf(crew.name);
  return {
    wrongs: [
      ...wrongs(entries, calm.name, await rowsOf(calm.name)),
      ...wrongs(entries, crew.name, rows),
    ],
    written: rows.length,
    kills: crew.kills,
    ms,
    besides: overlaps(bodies(entries, calm.name)),
    disturbed,
  };
}

/**
 * One after the other, with nobody killed: were it the head of the line, the next one would come
 * long after the lease's end; with its connection cut, the stopped one would hear of that.
 */
async function disturbBodies(crew: Crew, { kind }: FaultStore): Promise<Aftermath['disturbed']> {
  // In SQLite, where Redis has its data here, too, an open transaction keeps all others out.
  const commits = kind === 'postgres' || kind === 'mariadb';
  return {
    beforeWrite: await crew.stopInBody('before-write'),
    beforeCommit: commits ? await crew.stopInBody('before-commit') : null,
    renewed: await crew.stayInBody(1.5 * CALM_TTL_MS),
  };
}

async function killSome(
  crew: Crew,
  store: FaultStore,
  { kills, everyMs }: StormOptions,
): Promise<void> {
  const restarting: Promise<void>[] = [];
  for (let kill = 1; kill <= kills && !crew.isOver; kill += 1) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    const { victims } = crew;
    const victim = victims[(kill * 7) % victims.length];
    await crew.kill(kill % 2 === 0 ? (crew.holder ?? victim) : victim);
    if (kill === CUT) store.proxy?.breakAll();
    if (kill === RESTART && store.server !== null) restarting.push(restart(store));
  }
  await Promise.all(restarting);
}

async function restart({ server }: FaultStore): Promise<void> {
  await server?.kill9();
  await server?.restart();
}
