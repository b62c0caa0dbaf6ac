/**
 * Random faults on two crews that work, and the history checked after every round. The seed makes
 * the choices repeatable, not the timing of the machine.
 */
import type { StoreKind } from '../programs/open-store.js';
import { Crew } from './crew.js';
import { wrongs } from './history.js';
import { readLog } from './log-reader.js';
import { FaultStore } from './stores.js';

const CREWS = 2;
const CREW_SIZE = 3;

export interface SoakOptions {
  readonly store: StoreKind;
  readonly minutes: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** What went wrong, in sentences; nothing, if nothing did. */
export async function soak({ store: kind, minutes, seed, say }: SoakOptions): Promise<string[]> {
  const random = generator(seed);
  say(`soak of ${kind}: ${minutes} min, seed ${seed}`);
  const store = await FaultStore.start(kind);
  const found: string[] = [];
  try {
    const rounds = Math.max(1, Math.round(minutes * 2));
    for (let round = 1; round <= rounds; round += 1) {
      found.push(...(await soakRound(store, (minutes * 60_000) / rounds, random, say)));
      await store.clear();
      say(`${kind}: round ${round} of ${rounds}, ${found.length} wrongs`);
    }
  } finally {
    await store.stop();
  }
  return found;
}

async function soakRound(
  store: FaultStore,
  ms: number,
  random: () => number,
  say: (line: string) => void,
): Promise<string[]> {
  const rowsOf = await store.tableWitness();
  const crews: Crew[] = [];
  for (let n = 0; n < CREWS; n += 1) {
    const options = { ttlMs: 500 + Math.floor(random() * 1_500), waitMs: 10_000 };
    crews.push(await Crew.start(store, { size: CREW_SIZE, rounds: 1e9, options }));
  }
  const until = performance.now() + ms;
  try {
    while (performance.now() < until) {
      await wait(200 + random() * 800);
      const crew = crews[Math.floor(random() * CREWS)];
      if (crew !== undefined) await strike(store, crew, random);
    }
  } finally {
    for (const crew of crews) await crew.end();
    await store.silence();
  }
  const entries = readLog(store.log);
  const found: string[] = [];
  const written: number[] = [];
  for (const { name } of crews) {
    const rows = await rowsOf(name);
    written.push(rows.length);
    found.push(...wrongs(entries, name, rows));
  }
  const killed = entries.filter(({ what }) => what === 'killed').length;
  const renewed = entries.filter(({ what }) => what === 'renewed').length;
  say(`${store.kind}: ${written.join(' + ')} written, ${renewed} renewals, ${killed} killed`);
  return found;
}

/** One fault; the dice say which. */
async function strike(store: FaultStore, crew: Crew, random: () => number): Promise<void> {
  const { victims } = crew;
  const victim = victims[Math.floor(random() * victims.length)];
  const dice = random();
  if (dice < 0.2) await crew.kill(victim);
  else if (dice < 0.3) await crew.kill(crew.holder ?? victim);
  else if (dice < 0.5) {
    const asleep = dice < 0.4 ? (crew.holder ?? victim) : victim;
    await asleep?.pause();
    await wait(random() * 3_000);
    asleep?.resume();
  } else if (dice < 0.65) {
    await victim?.tell({ order: 'next-body', thinkMs: Math.floor(random() * 3_000) });
  } else if (dice < 0.8) store.proxy?.breakAll();
  else if (dice < 0.9) {
    store.proxy?.swallow();
    await wait(random() * 3_000);
    store.proxy?.heal();
  } else if (dice < 0.95) {
    await store.server?.kill9();
    await store.server?.restart();
  }
}

/** mulberry32: small, fast, and good enough for choices. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
