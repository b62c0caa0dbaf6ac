/** A thousand callers wait for a name that somebody else keeps: what waiting costs the store. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../harness/contract.js';

/** Process 0 holds, the others wait. */
const HOLDER = 0;

export const idle: Scenario = {
  id: 'idle',
  title: 'Waiting in vain',
  explains:
    'Process 1 holds a name for a quarter of a minute; 1,000 callers of process 2 wait for it. Counted are all ' +
    'commands that the store gets meanwhile, the holder’s renewals among them.',
  stores: ['redis', 'postgres', 'mariadb', 'sqlite'],
  variants: [
    {
      id: 'waiting-1000',
      title: '1,000 callers in one process',
      processes: 2,
      params: { callers: 1_000, forMs: 15_000, settleMs: 1_000 },
      smoke: { callers: 50, forMs: 300, settleMs: 50 },
      limitMs: 90_000,
    },
  ],
  key: 'commandsPerSecond',
  columns: [
    { key: 'commandsPerSecond', title: 'commands/s', digits: 2, better: 'less' },
    { key: 'nodePercent', title: 'waiter’s CPU %', digits: 1, better: 'less' },
    { key: 'storePercent', title: 'store CPU %', digits: 1, better: 'less' },
  ],
  accepts: ({ kind }) => kind !== 'bare',
  async prepare({ lock, params, prefix, index, kept, failures }) {
    if (index === HOLDER) {
      kept.push(await lock.hold(`${prefix}hot`));
      return;
    }
    // The holder gets ready in the same moment; a caller that comes first would end the wait.
    await sleep(params['settleMs'] ?? 0);
    for (let i = 0; i < (params['callers'] ?? 0); i++) {
      lock
        .withLock(`${prefix}hot`, async () => {})
        .catch((error: unknown) => {
          failures.add(error);
        });
    }
    kept.push(async () => {
      failures.close();
    });
    await sleep(params['settleMs'] ?? 0);
  },
  async work({ params }) {
    const start = performance.now();
    await sleep(params['forMs'] ?? 0);
    return { turns: 1, elapsedMs: performance.now() - start };
  },
  figures: ({ samples, elapsedMs, commands, storeCpuMs }) => ({
    nodePercent: ((samples[1]?.cpuMs ?? Number.NaN) / elapsedMs) * 100,
    ...(commands === null ? {} : { commandsPerSecond: (commands / elapsedMs) * 1_000 }),
    ...(storeCpuMs === null ? {} : { storePercent: (storeCpuMs / elapsedMs) * 100 }),
  }),
};
