/**
 * The instances: operating-system processes that run the application, started, watched and ended
 * here. Whatever way this process ends, none of them is left behind.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { InstanceConfig } from '../instance-config.js';
import type { ProgressEvent } from '../resources/progress.js';

const ENTRY = fileURLToPath(new URL('../instance.js', import.meta.url));
const START_WITHIN_MS = 60_000;

/** What an instance told, and which. */
export interface FleetEvent extends Omit<ProgressEvent, 'step'> {
  readonly instance: string;
  readonly step: ProgressEvent['step'] | 'killed' | 'started';
}

export type FleetListener = (event: FleetEvent) => void;

export interface Instance {
  readonly name: string;
  readonly port: number;
  readonly process: ChildProcess;
}

export class Fleet {
  readonly #instances = new Map<string, Instance>();
  readonly #children = new Set<ChildProcess>();
  readonly #config: Omit<InstanceConfig, 'name'>;
  #listener: FleetListener = () => undefined;
  #next = 0;
  #stopped = false;

  constructor(config: Omit<InstanceConfig, 'name'>) {
    this.#config = config;
    process.once('exit', this.#killAll);
  }

  /** Those who are up, in order of their names. */
  get instances(): readonly Instance[] {
    return [...this.#instances.values()].sort((a, b) => byNumber(a.name, b.name));
  }

  onEvent(listener: FleetListener): void {
    this.#listener = listener;
  }

  async start(names: readonly string[]): Promise<void> {
    await Promise.all(names.map(async (name) => this.#start(name)));
  }

  /** The next one's turn: what a load balancer does. */
  roundRobin(): Instance | null {
    const { instances } = this;
    return instances[this.#next++ % instances.length] ?? null;
  }

  /** kill -9: no farewell, no release. */
  kill(name: string): void {
    const instance = this.#instances.get(name);
    if (instance === undefined) return;
    this.#instances.delete(name);
    instance.process.kill('SIGKILL');
    this.#tell({ instance: name, step: 'killed', request: 0, resourceId: '', at: Date.now() });
  }

  /** Ends all in good order, and those who do not end within a few seconds in another. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const ends = [...this.#children].map(
      (child) =>
        new Promise<void>((resolve) => {
          const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
          child.once('exit', () => {
            clearTimeout(timer);
            resolve();
          });
          child.kill('SIGTERM');
        }),
    );
    this.#instances.clear();
    await Promise.all(ends);
    process.off('exit', this.#killAll);
  }

  #start(name: string): Promise<void> {
    if (this.#stopped) throw new Error('The race is over.');
    const config: InstanceConfig = { ...this.#config, name };
    const child = fork(ENTRY, {
      env: { ...process.env, INSTANCE_CONFIG: JSON.stringify(config) },
      // Ctrl-C reaches the whole group: only we may answer it.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#children.add(child);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${name} did not start within ${START_WITHIN_MS / 1_000} s.`));
      }, START_WITHIN_MS);
      child.on('message', (message: Message) => {
        if (message.type === 'progress') {
          this.#tell({ ...message.event, instance: name });
          return;
        }
        clearTimeout(timer);
        this.#instances.set(name, { name, port: message.port, process: child });
        resolve();
      });
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        this.#children.delete(child);
        if (this.#instances.get(name)?.process === child) this.#instances.delete(name);
        reject(new Error(`${name} ended at its start (${signal ?? `exit code ${String(code)}`}).`));
      });
    });
  }

  #tell(event: FleetEvent): void {
    this.#listener(event);
  }

  readonly #killAll = (): void => {
    for (const child of this.#children) child.kill('SIGKILL');
  };
}

type Message = { type: 'ready'; port: number } | { type: 'progress'; event: ProgressEvent };

function byNumber(a: string, b: string): number {
  return Number(/\d+$/.exec(a)?.[0] ?? 0) - Number(/\d+$/.exec(b)?.[0] ?? 0);
}
