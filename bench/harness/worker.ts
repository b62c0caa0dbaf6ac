/**
 * One process of a run. Makes its lock, gets ready, says so; starts when the parent says, at a
 * moment that all processes share; tells what it saw and what it used; closes everything and ends
 * by itself.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { contendersOn } from '../adapters/index.js';
import { scenarios } from '../scenarios/index.js';
import type { Measured, Sample, StoreKind } from './contract.js';
import { sharedNow } from './loops.js';
import { Failures } from './failures.js';
import { openWitness } from './witness.js';

/** What the parent tells a worker, as JSON in its first argument. */
export interface Job {
  readonly scenario: string;
  readonly store: StoreKind;
  readonly contender: string;
  readonly params: Readonly<Record<string, number>>;
  readonly url: string;
  readonly witness: string;
  /** A file for the CPU profile of the measured time; `null`: none. */
  readonly profile: string | null;
  /** In front of every name, so that no run meets what another left behind. */
  readonly prefix: string;
  readonly index: number;
  readonly processes: number;
}

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sample'; readonly sample: Measured }
  /** After everything was given back: the failures that are final. */
  | { readonly kind: 'done'; readonly failures: Readonly<Record<string, number>> }
  | { readonly kind: 'broken'; readonly message: string };

export type ToWorker = { readonly kind: 'go'; readonly at: number } | { readonly kind: 'finish' };

/** The histogram counts the interval itself as delay; it is taken off again. */
const LOOP_RESOLUTION_MS = 5;

async function main(job: Job): Promise<void> {
  const scenario = scenarios.find(({ id }) => id === job.scenario);
  const contender = (await contendersOn(job.store)).find(({ id }) => id === job.contender);
  if (scenario === undefined || contender === undefined) throw new Error('no such job');
  const witness = openWitness(job.witness);
  const ttlMs = job.params['ttlMs'];
  const make = () =>
    contender.make({
      url: job.url,
      process: `bench-${job.index}`,
      ...(ttlMs === undefined ? {} : { ttlMs }),
    });
  const lock = await make();
  const { index, processes, params, prefix } = job;
  const failures = new Failures();
  const kept: (() => Promise<void>)[] = [];
  const context = { lock, prefix, params, index, processes, witness, failures, make, kept };
  await scenario.prepare?.(context);

  tell({ kind: 'ready' });
  const at = await told('go');
  await sleep(Math.max(0, at - sharedNow()));
  tell({
    kind: 'sample',
    sample: await profiled(job.profile, () => measure(() => scenario.work(context), failures)),
  });

  await told('finish');
  await Promise.all(
    kept.map((giveBack) => giveBack().catch((error: unknown) => failures.add(error))),
  );
  tell({ kind: 'done', failures: failures.counts });
  await lock.close();
  witness.close();
  process.disconnect();
}

async function measure(work: () => Promise<Sample>, failures: Failures): Promise<Measured> {
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  const rss = process.memoryUsage.rss();
  const cpu = process.cpuUsage();
  loop.enable();
  const sample = await work();
  loop.disable();
  const { user, system } = process.cpuUsage(cpu);
  return {
    ...sample,
    failures: failures.counts,
    cpuMs: (user + system) / 1_000,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
    rssGrowthMiB: (process.memoryUsage.rss() - rss) / 2 ** 20,
    loopMaxMs: Math.max(0, loop.max / 1e6 - LOOP_RESOLUTION_MS),
    loopP99Ms: Math.max(0, loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
  };
}

async function profiled<T>(file: string | null, work: () => Promise<T>): Promise<T> {
  if (file === null) return work();
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  const result = await work();
  const { profile } = await session.post('Profiler.stop');
  writeFileSync(file, JSON.stringify(profile));
  return result;
}

function tell(message: FromWorker): void {
  process.send?.(message);
}

function told(kind: ToWorker['kind']): Promise<number> {
  return new Promise((resolve) => {
    const listen = (message: ToWorker): void => {
      if (message.kind !== kind) return;
      process.off('message', listen);
      resolve(message.kind === 'go' ? message.at : 0);
    };
    process.on('message', listen);
  });
}

// Without a parent that listens there is nobody to work for.
process.on('disconnect', () => setTimeout(() => process.exit(), 2_000).unref());
main(JSON.parse(process.argv[2] ?? '{}') as Job).catch((error: unknown) => {
  tell({ kind: 'broken', message: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
  if (process.connected) process.disconnect();
});
