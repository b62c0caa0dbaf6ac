/**
 * The problem that the library is for: ten instances find at once that something must be created.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../harness/contract.js';
import { warmUp } from '../harness/loops.js';

export const tenInstanceRace: Scenario = {
  id: 'ten-instance-race',
  title: 'The ten-instance race',
  explains:
    'Ten processes find at the same moment that a resource is missing. Each takes the lock, looks again, ' +
    'creates it if it is still missing (which takes 1 s), and gives the lock back. Measured until all ten ' +
    'know that it is there. Nobody may fail, and it may be created only once.',
  stores: ['redis', 'postgres', 'mariadb', 'sqlite'],
  variants: [
    {
      id: 'create-1000',
      title: '1 s of creation',
      processes: 10,
      smokeProcesses: 2,
      params: { createMs: 1_000, warmMs: 3_000 },
      smoke: { createMs: 100, warmMs: 50 },
      limitMs: 60_000,
    },
  ],
  key: 'allKnowMs',
  columns: [
    { key: 'allKnowMs', title: 'all know after ms', digits: 0, better: 'less' },
    { key: 'failed', title: 'failed callers', digits: 0, better: 'less' },
    { key: 'created', title: 'created', digits: 0, better: 'less' },
    { key: 'commandsAll', title: 'commands, all ten', digits: 0, better: 'less' },
  ],
  prepare: warmUp,
  async work({ lock, params, prefix, witness, failures }) {
    let created = 0;
    const start = performance.now();
    try {
      await lock.withLock(`${prefix}resource`, async () => {
        if (witness.read() !== 0) return;
        await sleep(params['createMs'] ?? 0);
        created++;
        witness.write(witness.read() + 1);
      });
    } catch (error) {
      failures.add(error);
    }
    return {
      turns: failures.total === 0 ? 1 : 0,
      elapsedMs: performance.now() - start,
      updates: created,
      extra: { created },
    };
  },
  figures: ({ samples, turns, elapsedMs, commands }) => ({
    allKnowMs: elapsedMs,
    failed: samples.length - turns,
    created: samples.reduce((sum, { extra }) => sum + (extra?.['created'] ?? 0), 0),
    ...(commands === null ? {} : { commandsAll: commands }),
  }),
};
