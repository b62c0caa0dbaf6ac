/** `npm run soak -- --minutes 10 --store redis --seed 42`; without a store, all of them in turn. */
import { parseArgs } from 'node:util';
import { soak } from './soak.js';
import { STORES } from './stores.js';

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
});
const kinds = STORES.filter((kind) => values.store === undefined || values.store === kind);
const seed = values.seed === undefined ? Date.now() % 1e9 : Number(values.seed);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
if (kinds.length === 0) {
  say(`--store must be one of ${STORES.join(', ')}.`);
  process.exit(2);
}
const wrongs: string[] = [];
for (const store of kinds) {
  wrongs.push(...(await soak({ store, minutes: Number(values.minutes), seed, say })));
}
for (const wrong of wrongs) say(`WRONG: ${wrong}`);
process.exit(wrongs.length === 0 ? 0 : 1);
