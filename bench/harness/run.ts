/** One run: one contender, one variant of one scenario, as many processes as that takes. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Contender, Measured, Run, Scenario, Variant } from './contract.js';
import { sharedNow } from './loops.js';
import { handOvers } from './statistics.js';
import type { Store } from './stores.js';
import { createWitness, openWitness } from './witness.js';
import type { FromWorker, Job, ToWorker } from './worker.js';

/** All get the order to start, and then start, at the same moment. */
const START_IN_MS = 100;
/** For giving back and closing; waiters that still stand in a line need not be heard out. */
const END_WITHIN_MS = 6_000;

export interface Outcome {
  readonly figures: Readonly<Record<string, number>>;
  /** What went wrong, in plain words; a run with any is not averaged. */
  readonly marks: readonly string[];
}

export interface RunOptions {
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly contender: Contender;
  readonly store: Store;
  readonly smoke: boolean;
  readonly witnessFile: string;
  readonly prefix: string;
  /** How much longer or shorter than usual. */
  readonly scale: number;
  /** A folder for CPU profiles of the workers. */
  readonly profile: string | null;
}

export async function runOnce(options: RunOptions): Promise<Outcome> {
  const { scenario, variant, contender, store, smoke, witnessFile, prefix } = options;
  const params = scaled(smoke ? variant.smoke : variant.params, options.scale);
  const processes = smoke ? (variant.smokeProcesses ?? variant.processes) : variant.processes;
  await store.reset();
  createWitness(witnessFile);
  const job = {
    scenario: scenario.id,
    store: contender.store,
    contender: contender.id,
    params,
    url: store.url,
    prefix,
  };
  const workers = Array.from(
    { length: processes },
    (_, index) =>
      new Worker({
        ...job,
        witness: witnessFile,
        index,
        processes,
        profile:
          options.profile === null
            ? null
            : join(options.profile, `${Date.now()}-${index}.cpuprofile`),
      }),
  );
  const limit = setTimeout(() => workers.forEach((worker) => worker.kill()), variant.limitMs);
  try {
    await Promise.all(workers.map((worker) => worker.ready));
    const commandsBefore = await store.commands(contender);
    const cpuBefore = store.cpuMs();
    const at = sharedNow() + START_IN_MS;
    workers.forEach((worker) => worker.send({ kind: 'go', at }));
    const samples = await Promise.all(workers.map((worker) => worker.sample));
    const cpu = difference(store.cpuMs(), cpuBefore);
    const commands = difference(await store.commands(contender), commandsBefore);
    workers.forEach((worker) => worker.send({ kind: 'finish' }));
    const failures = await Promise.all(workers.map((worker) => worker.finalFailures()));
    const run: Run = {
      samples,
      params,
      turns: samples.reduce((sum, { turns }) => sum + turns, 0),
      elapsedMs: Math.max(...samples.map(({ elapsedMs }) => elapsedMs)),
      commands,
      storeCpuMs: cpu,
    };
    return { figures: scenario.figures(run), marks: marksOf(samples, failures, witnessFile) };
  } catch (error) {
    return { figures: {}, marks: [error instanceof Error ? error.message : String(error)] };
  } finally {
    clearTimeout(limit);
    workers.forEach((worker) => worker.kill());
  }
}

function scaled(params: Readonly<Record<string, number>>, scale: number): Record<string, number> {
  const { forMs, ...rest } = params;
  return forMs === undefined ? rest : { ...rest, forMs: forMs * scale };
}

function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after - before;
}

function marksOf(
  samples: readonly Measured[],
  failures: readonly Readonly<Record<string, number>>[],
  witnessFile: string,
): string[] {
  const counts = new Map<string, number>();
  for (const [message, count] of failures.flatMap((each) => Object.entries(each))) {
    counts.set(message, (counts.get(message) ?? 0) + count);
  }
  const marks = [...counts].map(([message, count]) => `${count} × failed: ${message}`);
  if (samples.some(({ updates }) => updates !== undefined)) {
    const witness = openWitness(witnessFile);
    const lost = samples.reduce((sum, { updates = 0 }) => sum + updates, 0) - witness.read();
    witness.close();
    if (lost !== 0) marks.push(`${lost} updates lost`);
  }
  const { overlaps } = handOvers(samples.map(({ spans = [] }) => spans));
  if (overlaps > 0) marks.push(`${overlaps} bodies overlapped`);
  return marks;
}

/** The parent's end of one worker process. */
class Worker {
  readonly ready: Promise<void>;
  readonly sample: Promise<Measured>;
  readonly #done: Promise<Readonly<Record<string, number>>>;
  readonly #child: ChildProcess;
  #failures: Readonly<Record<string, number>> = {};

  constructor(job: Job) {
    this.#child = fork(
      fileURLToPath(new URL('worker.js', import.meta.url)),
      [JSON.stringify(job)],
      {
        execArgv: [...['--expose-gc', '--no-warnings']],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    );
    this.ready = this.#heard('ready').then(() => undefined);
    this.sample = this.#heard('sample').then(({ sample }) => {
      this.#failures = sample.failures;
      return sample;
    });
    this.#done = this.#heard('done').then(({ failures }) => failures);
    // Whoever waits for one of them hears of the end; the others must not count as unhandled.
    for (const promise of [this.ready, this.sample, this.#done]) promise.catch(() => undefined);
  }

  send(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message);
  }

  /** Waits for the end of the process as long as is reasonable. */
  async finalFailures(): Promise<Readonly<Record<string, number>>> {
    const enough = new AbortController();
    const patience = sleep(END_WITHIN_MS, undefined, { signal: enough.signal, ref: true });
    patience.catch(() => undefined);
    const failures = await Promise.race([
      this.#done.catch(() => this.#failures),
      patience.then(() => this.#failures),
    ]);
    if (this.#isRunning) await Promise.race([once(this.#child, 'exit'), patience]);
    enough.abort();
    return failures;
  }

  kill(): void {
    if (this.#isRunning) this.#child.kill('SIGKILL');
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  #heard<K extends FromWorker['kind']>(kind: K): Promise<Extract<FromWorker, { kind: K }>> {
    return new Promise((resolve, reject) => {
      this.#child.on('message', (message: FromWorker) => {
        if (message.kind === kind) resolve(message as Extract<FromWorker, { kind: K }>);
        else if (message.kind === 'broken') reject(new Error(message.message));
      });
      this.#child.once('exit', (code, signal) => {
        reject(
          new Error(signal === null ? `ended with ${code} before it was ${kind}` : 'took too long'),
        );
      });
    });
  }
}
