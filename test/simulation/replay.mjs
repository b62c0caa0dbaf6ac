// Replays seeds of the simulation in plain Node: `npm run simulate -- --seed 42 --trace`, or
// `-- --from 1 --count 1000`. TypeScript is compiled on the fly, into a folder that goes again.
import { parseArgs } from 'node:util';
import { compileCore } from './compile.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '1000' },
    trace: { type: 'boolean', default: false },
  },
});
const compiled = await compileCore();
const { simulate } = await import(compiled.url('test/simulation/simulate.js'));
const core = {
  ...(await import(compiled.url('lib/core/locks.js'))),
  ...(await import(compiled.url('lib/core/engine.js'))),
  ...(await import(compiled.url('lib/drivers/memory/index.js'))),
};
compiled.remove();

const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.count) : 1;
const startedAt = performance.now();
let [broken, steps, grants] = [0, 0, 0];
for (let seed = from; seed < from + count; seed += 1) {
  const report = await simulate(core, seed, values.trace ? console.log : null);
  steps += report.steps;
  grants += report.grants;
  if (report.violations.length === 0) continue;
  broken += 1;
  if (broken > 20) continue;
  for (const { rule, detail, at } of report.violations) {
    console.log(`seed ${seed} (${report.kind}) at ${at.toFixed(1)} ms: ${rule}: ${detail}`);
  }
}
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
console.log(`${count} seeds, ${broken} broken; ${steps} steps, ${grants} grants, ${seconds} s`);
process.exitCode = broken === 0 ? 0 : 1;
