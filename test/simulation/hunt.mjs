// Looks for the first seed that shows a mutant.
import { compileCore } from './compile.mjs';

/** @returns {Promise<{ seed: number, rules: readonly string[] } | null>} */
export async function hunt(mutant, seeds) {
  const compiled = await compileCore(mutant);
  try {
    const { simulate } = await import(compiled.url('test/simulation/simulate.js'));
    const core = {
      ...(await import(compiled.url('lib/core/locks.js'))),
      ...(await import(compiled.url('lib/core/engine.js'))),
      ...(await import(compiled.url('lib/drivers/memory/index.js'))),
    };
    const from = mutant?.from ?? 1;
    for (let seed = from; seed < from + seeds; seed += 1) {
      const { violations } = await simulate(core, seed);
      if (violations.length > 0) return { seed, rules: violations.map(({ rule }) => rule) };
    }
    return null;
  } finally {
    compiled.remove();
  }
}
