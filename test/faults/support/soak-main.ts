/**
 * `npm run soak -- --minutes 10 --store redis --seed 42`; without a store, all of them in turn.
 * With `--storm`, the storm of `npm test` instead, with a kill every 300 ms to the end of the work,
 * or of the minutes.
 */
import { parseArgs } from 'node:util';
import type { StoreKind } from '../programs/open-store.js';
import { soak } from './soak.js';
import { storm } from './storm.js';
import { FaultStore, STORES } from './stores.js';

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    storm: { type: 'boolean', default: false },
  },
});
const kinds = STORES.filter((kind) => values.store === undefined || values.store === kind);
const seed = values.seed === undefined ? Date.now() % 1e9 : Number(values.seed);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
if (kinds.length === 0) {
  say(`--store must be one of ${STORES.join(', ')}.`);
  process.exit(2);
}
const minutes = Number(values.minutes);
const wrongs: string[] = [];
for (const store of kinds) {
  const found = values.storm ? await fullStorm(store) : soak({ store, minutes, seed, say });
  wrongs.push(...(await found));
}
for (const wrong of wrongs) say(`WRONG: ${wrong}`);
process.exit(wrongs.length === 0 ? 0 : 1);

async function fullStorm(kind: StoreKind): Promise<readonly string[]> {
  const store = await FaultStore.start(kind);
  try {
    const kills = Math.ceil((minutes * 60_000) / 300);
    const options = { size: 10, rounds: 100, ttlMs: 600, kills, everyMs: 300 };
    const { besides, ...aftermath } = await storm(store, options);
    say(`storm on ${kind}: ${JSON.stringify({ ...aftermath, besides: besides.length })}`);
    return aftermath.wrongs;
  } finally {
    await store.stop();
  }
}
