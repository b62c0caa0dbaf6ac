/**
 * Acquire and release of names that nobody else wants: what a lock costs when there is no
 * contention.
 */
import type { Run, Scenario, StoreKind, Variant } from '../harness/contract.js';
import { runLoops } from '../harness/loops.js';

/** Every loop has names of its own, and walks through them, as orders or users would come along. */
const NAMES_A_LOOP = 50;
const WARM_UP = 0.4;

function inFlight(count: number, stores: readonly StoreKind[]): Variant {
  return {
    stores,
    id: `in-flight-${count}`,
    title: `${count.toLocaleString('en')} in flight`,
    processes: 1,
    params: { inFlight: count, forMs: 2_000 },
    smoke: { inFlight: Math.min(count, 20), forMs: 60 },
    limitMs: 30_000,
  };
}

export const pairs: Scenario = {
  id: 'pairs',
  title: 'Acquire and release, nobody else wants the name',
  explains:
    'One process takes and gives back names of its own, so many at a time. One pair is an acquire and ' +
    'a release.',
  stores: ['redis', 'postgres', 'mariadb', 'sqlite', 'memory'],
  variants: [
    inFlight(1, ['redis', 'postgres', 'mariadb', 'sqlite', 'memory']),
    inFlight(100, ['redis', 'postgres', 'mariadb', 'sqlite']),
    inFlight(1_000, ['redis']),
  ],
  key: 'pairsPerSecond',
  columns: [
    { key: 'pairsPerSecond', title: 'pairs/s', digits: 0, better: 'more' },
    { key: 'commands', title: 'commands/pair', digits: 2, better: 'less' },
    { key: 'nodeUs', title: 'Node CPU µs/pair', digits: 1, better: 'less' },
    { key: 'storeUs', title: 'store CPU µs/pair', digits: 1, better: 'less' },
  ],
  // How often a library tries again makes no difference where nobody else wants the name.
  accepts: ({ settings }) => settings !== 'best',
  async prepare({ lock, params, prefix, failures }) {
    const { inFlight: loops = 1, forMs = 0 } = params;
    await runLoops(loops, forMs * WARM_UP, failures, (loop, round) =>
      lock.pair(`${prefix}${loop}:${round % NAMES_A_LOOP}`),
    );
  },
  async work({ lock, params, prefix, failures }) {
    const { inFlight: loops = 1, forMs = 0 } = params;
    return runLoops(loops, forMs, failures, (loop, round) =>
      lock.pair(`${prefix}${loop}:${round % NAMES_A_LOOP}`),
    );
  },
  figures: (run) => ({ pairsPerSecond: (run.turns / run.elapsedMs) * 1_000, ...costs(run) }),
};

/** What a turn cost: commands, and the time of the processors on both sides. */
export function costs(run: Run): Record<string, number> {
  const { turns, commands, storeCpuMs, samples } = run;
  if (turns === 0) return {};
  const cpuMs = samples.reduce((sum, sample) => sum + sample.cpuMs, 0);
  return {
    nodeUs: (cpuMs * 1_000) / turns,
    ...(commands === null ? {} : { commands: commands / turns }),
    ...(storeCpuMs === null ? {} : { storeUs: (storeCpuMs * 1_000) / turns }),
  };
}
