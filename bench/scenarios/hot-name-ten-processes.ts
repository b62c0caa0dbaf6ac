/** One name that ten processes want, one caller each: how it goes from one process to the next. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario, Variant } from '../harness/contract.js';
import { runLoops, sharedNow, warmUp } from '../harness/loops.js';
import { handOvers, jain, percentile } from '../harness/statistics.js';
import { costs } from './pairs.js';

const short: Variant = {
  id: 'body-1',
  title: 'bodies of 1 ms, no pause between',
  processes: 10,
  smokeProcesses: 2,
  params: { bodyMs: 1, thoughtMs: 0, warmMs: 3_000, forMs: 4_000 },
  smoke: { bodyMs: 1, thoughtMs: 0, warmMs: 50, forMs: 150 },
  limitMs: 60_000,
};

export const hotNameTenProcesses: Scenario = {
  id: 'hot-name-ten-processes',
  title: 'One hot name, ten processes',
  explains:
    'Each process has one caller that wants the name, works under it, thinks, and wants it again. The ' +
    'hand-over is the time from the end of one body to the start of the next, whoever has it. Fairness ' +
    'is Jain’s index over the processes; "same again" says how often the next body was the same ' +
    'process’s again.',
  stores: ['redis', 'postgres', 'mariadb', 'sqlite'],
  variants: [
    short,
    {
      ...short,
      id: 'body-10',
      title: 'bodies of 10 ms, 20 ms of thought',
      params: { bodyMs: 10, thoughtMs: 20, warmMs: 3_000, forMs: 4_000 },
      smoke: { bodyMs: 5, thoughtMs: 5, warmMs: 50, forMs: 150 },
    },
  ],
  key: 'turnsPerSecond',
  columns: [
    { key: 'turnsPerSecond', title: 'turns/s', digits: 0, better: 'more' },
    { key: 'fairness', title: 'fairness', digits: 3, better: 'more' },
    { key: 'sameAgain', title: 'same again %', digits: 0, better: 'less' },
    { key: 'commands', title: 'commands/hand-over', digits: 2, better: 'less' },
    { key: 'p50', title: 'hand-over p50 ms', digits: 2, better: 'less' },
    { key: 'p99', title: 'p99 ms', digits: 2, better: 'less' },
    { key: 'nodeUs', title: 'Node CPU µs/turn', digits: 0, better: 'less' },
    { key: 'storeUs', title: 'store CPU µs/turn', digits: 0, better: 'less' },
  ],
  prepare: warmUp,
  async work({ lock, params, prefix, witness, failures }) {
    const { bodyMs = 1, thoughtMs = 0, forMs = 0 } = params;
    const spans: (readonly [number, number])[] = [];
    const sample = await runLoops(1, forMs, failures, async () => {
      await lock.withLock(`${prefix}hot`, async () => {
        const start = sharedNow();
        const seen = witness.read();
        await sleep(bodyMs);
        witness.write(seen + 1);
        spans.push([start, sharedNow()]);
      });
      if (thoughtMs > 0) await sleep(thoughtMs);
    });
    return { ...sample, spans, updates: spans.length };
  },
  figures: (run) => {
    const spans = run.samples.map((sample) => sample.spans ?? []);
    const { gapsMs, sameAgain } = handOvers(spans);
    return {
      turnsPerSecond: (run.turns / run.elapsedMs) * 1_000,
      fairness: jain(spans.map(({ length }) => length)),
      sameAgain: sameAgain * 100,
      p50: percentile(gapsMs, 50),
      p99: percentile(gapsMs, 99),
      ...costs(run),
    };
  },
};
