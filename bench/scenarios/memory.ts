/** What ten thousand waiting callers, and ten thousand held names, take of the process's memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sample, Scenario, Variant, WorkContext } from '../harness/contract.js';
import { runEach } from '../harness/loops.js';

const waiting: Variant = {
  id: 'waiting-10000',
  title: '10,000 callers wait for one name',
  processes: 1,
  params: { waiting: 10_000, held: 0, watchMs: 3_000 },
  smoke: { waiting: 50, held: 0, watchMs: 200 },
  limitMs: 60_000,
};

export const memory: Scenario = {
  id: 'memory',
  title: 'Memory of waiting and of holding',
  explains:
    'Growth of the process after a garbage collection on both sides, and the share of a core that it uses ' +
    'while nothing happens.',
  stores: ['redis', 'postgres', 'mariadb', 'sqlite'],
  variants: [
    waiting,
    {
      ...waiting,
      id: 'held-10000',
      smokeAlso: true,
      title: '10,000 names held',
      params: { waiting: 0, held: 10_000, watchMs: 3_000 },
      smoke: { waiting: 0, held: 50, watchMs: 200 },
    },
  ],
  key: 'rssMiB',
  columns: [
    { key: 'rssMiB', title: 'RSS growth MiB', digits: 1, better: 'less' },
    { key: 'heapMiB', title: 'heap growth MiB', digits: 1, better: 'less' },
    { key: 'nodePercent', title: 'Node CPU %', digits: 1, better: 'less' },
    { key: 'commandsPerSecond', title: 'commands/s', digits: 1, better: 'less' },
  ],
  accepts: ({ kind }) => kind !== 'bare',
  async prepare({ lock, make, prefix, kept }) {
    // Both ways once, so that what a library loads late is not counted as growth.
    await lock.withLock(`${prefix}warm`, async () => {});
    const holder = await make();
    const release = await holder.hold(`${prefix}hot`);
    kept.push(async () => {
      await release();
      await holder.close();
    });
  },
  async work(context) {
    globalThis.gc?.();
    const before = process.memoryUsage();
    await fill(context);
    await sleep(500);
    globalThis.gc?.();
    const after = process.memoryUsage();
    const start = performance.now();
    const cpu = process.cpuUsage();
    await sleep(context.params['watchMs'] ?? 0);
    const used = process.cpuUsage(cpu);
    const elapsedMs = performance.now() - start;
    return {
      turns: 1,
      elapsedMs,
      extra: {
        rssMiB: (after.rss - before.rss) / 2 ** 20,
        heapMiB: (after.heapUsed - before.heapUsed) / 2 ** 20,
        nodePercent: ((used.user + used.system) / 1_000 / elapsedMs) * 100,
      },
    } satisfies Sample;
  },
  figures: ({ samples, elapsedMs, commands }) => ({
    ...samples[0]?.extra,
    ...(commands === null ? {} : { commandsPerSecond: (commands / elapsedMs) * 1_000 }),
  }),
};

async function fill({ lock, params, prefix, kept, failures }: WorkContext): Promise<void> {
  const { waiting: callers = 0, held = 0 } = params;
  for (let i = 0; i < callers; i++) {
    // They are still waiting when the process ends; what happens to them then is not our subject.
    lock
      .withLock(`${prefix}hot`, async () => {})
      .catch((error: unknown) => {
        failures.add(error);
      });
  }
  kept.unshift(async () => {
    failures.close();
  });
  await runEach(held, 200, async (index) => {
    kept.push(await lock.hold(`${prefix}${index}`));
  });
}
