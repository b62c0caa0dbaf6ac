/**
 * Random faults on a crew that works, and the history checked after every round. The seed makes the
 * choices repeatable, not the timing of the machine.
 */
import { readFileSync } from 'node:fs';
import type { StoreKind } from '../programs/open-store.js';
import { beliefs, overlaps, tokensThatFell } from './history.js';
import { FaultStore } from './stores.js';
import type { Taker } from './taker.js';

const CREW = 6;

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
  const wrongs: string[] = [];
  try {
    const rounds = Math.max(1, Math.round(minutes * 2));
    for (let round = 1; round <= rounds; round += 1) {
      const ms = (minutes * 60_000) / rounds;
      wrongs.push(...(await soakRound(store, ms, random, say)));
      await store.clear();
      say(`${kind}: round ${round} of ${rounds}, ${wrongs.length} wrongs`);
    }
  } finally {
    await store.stop();
  }
  return wrongs;
}

async function soakRound(
  store: FaultStore,
  ms: number,
  random: () => number,
  say: (line: string) => void,
): Promise<string[]> {
  const names = Array.from({ length: 2 }, () => store.name());
  const file = store.fileWitness();
  const crew: Taker[] = [];
  const employ = async (): Promise<void> => {
    const taker = await store.taker(`taker-${crew.length + 1}`);
    crew.push(taker);
    const name = names[Math.floor(random() * names.length)] ?? '';
    const options = { ttlMs: 500 + Math.floor(random() * 1_500), waitMs: 10_000 };
    taker
      .tell({ order: 'work', name, rounds: 1e6, witness: 'file', file, options })
      .catch(() => undefined);
  };
  await Promise.all(Array.from({ length: CREW }, employ));
  const until = performance.now() + ms;
  while (performance.now() < until) {
    await wait(200 + random() * 800);
    const victim = crew.filter(({ running }) => running)[Math.floor(random() * CREW)];
    const dice = random();
    if (dice < 0.3) {
      await victim?.kill();
      await employ();
    } else if (dice < 0.6) {
      await victim?.pause();
      await wait(random() * 3_000);
      victim?.resume();
    } else if (dice < 0.75) {
      store.proxy?.breakAll();
    } else if (dice < 0.85) {
      store.proxy?.swallow();
      await wait(random() * 3_000);
      store.proxy?.heal();
    } else if (dice < 0.9 && store.server !== null) {
      await store.server.kill9();
      // Redis forgets; that two may then believe for one ttl is said in the guarantees.
      await store.server.restart();
      if (store.kind === 'redis') break;
    }
  }
  const entries = store.entries();
  say(
    `${entries.filter(({ what }) => what === 'granted').length} grants; ${readFileSync(file, 'utf8')}`,
  );
  return names.flatMap((name) => [
    ...overlaps(beliefs(entries, name)).map((pair) => `two believed: ${JSON.stringify(pair)}`),
    ...tokensThatFell(entries, name).map((entry) => `a token fell: ${JSON.stringify(entry)}`),
  ]);
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
