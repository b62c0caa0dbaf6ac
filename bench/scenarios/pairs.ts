/**
 * Acquire and release of names that nobody else wants: what a lock costs when there is no
 * contention.
 */
import type { Run, Scenario, StoreKind, Variant } from '../harness/contract.js';
import { runLoops } from '../harness/loops.js';

/** Every loop has names of its own, and walks through them, as orders or users would come along. */
const NAMES_A_LOOP = 50;
/**
 * By count, so that a busy machine does not measure code that is not compiled yet; the more
 * JavaScript a library has, the more that would matter. (One pair in flight on Redis, ours: 183 us
 * of CPU after 4,000 pairs, 146 after 40,000.) But not for longer than this, for slow stores.
 */
const WARM_PAIRS_EACH = 60;
const WARM_PAIRS = 20_000;
const WARM_MOST_MS = 4_000;

function inFlight(count: number, stores: readonly StoreKind[]): Variant {
  return {
    stores,
    id: `in-flight-${count}`,
    title: `${count.toLocaleString('en')} in flight`,
    processes: 1,
    params: { inFlight: count, forMs: 2_000, warm: WARM_PAIRS + count * WARM_PAIRS_EACH },
    smoke: { inFlight: Math.min(count, 20), forMs: 60, warm: 20 },
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
    const { inFlight: loops = 1, warm = 0 } = params;
    let left = warm;
    await runLoops(
      loops,
      WARM_MOST_MS,
      failures,
      (loop, round) => lock.pair(`${prefix}${loop}:${round % NAMES_A_LOOP}`),
      () => left-- > 0,
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
