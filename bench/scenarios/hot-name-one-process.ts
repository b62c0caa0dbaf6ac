/**
 * One name that a thousand callers of one process want all the time, with nothing to do under it.
 */
import type { Scenario } from '../harness/contract.js';
import { runLoops, runLoopsCutOff } from '../harness/loops.js';
import { jain } from '../harness/statistics.js';
import { costs } from './pairs.js';

const WARM_MOST_MS = 2_000;

export const hotNameOneProcess: Scenario = {
  id: 'hot-name-one-process',
  title: 'One hot name, 1,000 callers in one process, empty bodies',
  explains:
    'Every caller wants the same name again as soon as it had it. Fairness is Jain’s index over the ' +
    'callers (1: all had the same number of turns).',
  stores: ['redis', 'postgres', 'mariadb', 'sqlite'],
  variants: [
    {
      id: 'callers-1000',
      title: '1,000 callers',
      processes: 1,
      params: { callers: 1_000, forMs: 2_000, warm: 20_000 },
      smoke: { callers: 50, forMs: 80, warm: 20 },
      limitMs: 60_000,
    },
  ],
  key: 'turnsPerSecond',
  columns: [
    { key: 'turnsPerSecond', title: 'turns/s', digits: 0, better: 'more' },
    { key: 'commands', title: 'commands/turn', digits: 3, better: 'less' },
    { key: 'fairness', title: 'fairness', digits: 3, better: 'more' },
    { key: 'nodeUs', title: 'Node CPU µs/turn', digits: 1, better: 'less' },
    { key: 'storeUs', title: 'store CPU µs/turn', digits: 1, better: 'less' },
  ],
  async prepare({ lock, params, prefix, failures }) {
    // By count, up to a time: see pairs.
    let left = params['warm'] ?? 0;
    await runLoops(
      20,
      WARM_MOST_MS,
      failures,
      () => lock.withLock(`${prefix}warm`, async () => {}),
      () => left-- > 0,
    );
  },
  async work({ lock, params, prefix, witness, failures }) {
    const { callers = 1, forMs = 0 } = params;
    // The witness lives in this process here: a file would cost more than the lock.
    let counter = 0;
    let turns = 0;
    const { elapsedMs, perLoop } = await runLoopsCutOff(callers, forMs, failures, () =>
      lock.withLock(`${prefix}hot`, async () => {
        const seen = counter;
        await Promise.resolve();
        counter = seen + 1;
        turns++;
      }),
    );
    witness.write(counter);
    return { turns, elapsedMs, updates: turns, extra: { fairness: jain(perLoop) } };
  },
  figures: (run) => ({
    turnsPerSecond: (run.turns / run.elapsedMs) * 1_000,
    fairness: run.samples[0]?.extra?.['fairness'] ?? Number.NaN,
    ...costs(run),
  }),
};
