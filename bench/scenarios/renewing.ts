/** Ten thousand names held by one process: what it costs to keep them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../harness/contract.js';
import { runEach } from '../harness/loops.js';

/** Our library renews about every third of the ttl; the others are counted over the same time. */
const ROUNDS_A_TTL = 3;

export const renewing: Scenario = {
  id: 'renewing',
  title: '10,000 held names, renewing',
  explains:
    'One process holds 10,000 names with leases of 9 s, for one whole ttl after the first, and then gives ' +
    'them all back; a lease that was lost meanwhile counts as failed. A round is a third of the ttl.',
  stores: ['redis', 'postgres', 'mariadb', 'sqlite'],
  variants: [
    {
      id: 'held-10000',
      title: '10,000 names, ttl 9 s',
      processes: 1,
      params: { names: 10_000, ttlMs: 9_000, forMs: 9_000 },
      smoke: { names: 50, ttlMs: 1_500, forMs: 500 },
      limitMs: 120_000,
    },
  ],
  key: 'commandsPerRound',
  columns: [
    { key: 'commandsPerRound', title: 'commands/round', digits: 0, better: 'less' },
    { key: 'loopMaxMs', title: 'loop blocked at most, ms', digits: 1, better: 'less' },
    { key: 'loopP99Ms', title: 'loop p99 ms', digits: 1, better: 'less' },
    { key: 'nodePercent', title: 'Node CPU %', digits: 1, better: 'less' },
    { key: 'storePercent', title: 'store CPU %', digits: 1, better: 'less' },
  ],
  accepts: ({ kind, settings, cannot }) =>
    kind !== 'bare' && settings !== 'best' && cannot?.['renewing'] === undefined,
  async prepare({ lock, params, prefix, kept }) {
    const releases: (() => Promise<void>)[] = [];
    await runEach(params['names'] ?? 0, 200, async (index) => {
      releases.push(await lock.hold(`${prefix}${index}`));
    });
    kept.push(...releases);
    // Until the taking has been cleared away: it is the keeping that is measured.
    globalThis.gc?.();
    await sleep(200);
  },
  async work({ params, kept }) {
    const start = performance.now();
    await sleep(params['forMs'] ?? 0);
    const elapsedMs = performance.now() - start;
    return { turns: kept.length, elapsedMs };
  },
  figures: ({ samples, params, elapsedMs, commands, storeCpuMs }) => {
    const [sample] = samples;
    const rounds = elapsedMs / ((params['ttlMs'] ?? 1) / ROUNDS_A_TTL);
    return {
      loopMaxMs: sample?.loopMaxMs ?? Number.NaN,
      loopP99Ms: sample?.loopP99Ms ?? Number.NaN,
      nodePercent: ((sample?.cpuMs ?? Number.NaN) / elapsedMs) * 100,
      ...(commands === null ? {} : { commandsPerRound: commands / rounds }),
      ...(storeCpuMs === null ? {} : { storePercent: (storeCpuMs / elapsedMs) * 100 }),
    };
  },
};
