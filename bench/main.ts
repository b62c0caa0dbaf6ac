/**
 * `npm run bench`: what to run, the servers for it, the rounds, the files. `run.mjs` builds it
 * first.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StoreKind } from './harness/contract.js';
import { plan } from './harness/plan.js';
import { describeMachine, toJson, toMarkdown, type Finished } from './harness/report.js';
import { runTable } from './harness/rounds.js';
import { openStore, type Store } from './harness/stores.js';
import { HELP, readOptions, type Options } from './options.js';

/** The root of the repository, told by run.mjs. */
const ROOT = process.env['BENCH_ROOT'] ?? process.cwd();

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(options: Options): Promise<boolean> {
  const tables = await plan(options);
  if (tables.length === 0) throw new Error('Nothing matches these options; see --help.');
  const folder = mkdtempSync(join(tmpdir(), 'lock-bench-'));
  const stores = new Map<StoreKind, Store>();
  const finished: Finished[] = [];
  const machine = describeMachine(options.rounds);
  let failed = false;
  try {
    for (const [index, table] of tables.entries()) {
      const { scenario, variant, store: kind } = table;
      const store = stores.get(kind) ?? (await openStore(kind, pathToFileURL(`${ROOT}/`).href));
      stores.set(kind, store);
      say(`[${index + 1}/${tables.length}] ${scenario.id}/${variant.id} on ${store.version}`);
      const rows = await runTable(table, store, { ...options, folder, say });
      finished.push({ table, storeVersion: store.version, rows });
      failed ||= rows.some(({ contender, marks }) => contender.kind !== 'peer' && marks.length > 0);
      // After every table: a long run that is cut short has written what it knew.
      if (options.out !== null)
        write(options.out, toMarkdown(machine, finished), toJson(machine, finished));
    }
  } finally {
    await Promise.allSettled([...stores.values()].map((store) => store.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
  return !failed;
}

function write(name: string, markdown: string, json: string): void {
  const folder = join(ROOT, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.md`), markdown);
  writeFileSync(join(folder, `${name}.json`), json);
}

const options = readOptions(process.argv.slice(2));
if (options === null) {
  say(HELP);
} else {
  main(options).then(
    (clean) => {
      // In a smoke run, a mark on our own rows or the limits is a failure; in a bench it is a
      // result.
      if (options.smoke && !clean) process.exitCode = 1;
    },
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
}
