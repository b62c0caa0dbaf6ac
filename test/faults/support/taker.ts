/** The fault tests' end of a lock-taker: a process to give orders to, and to be cruel to. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LockOptions } from '../../../lib/core/lock-options.js';
import type { Ending } from '../../../lib/core/lease.js';
import { Diary, type Entry } from '../programs/diary.js';
import type { Order, TakerConfig } from '../programs/lock-taker.js';
import { programs } from './compiled-programs.js';
import { readLog } from './log-reader.js';

export interface Taken {
  readonly token: number;
  readonly owner: string;
  readonly previous: Ending | null;
}

interface Answer {
  readonly id: number;
  readonly ok: boolean;
  readonly value: unknown;
}

export class Taker {
  readonly #child: ChildProcess;
  readonly #config: TakerConfig;
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #orders = 0;

  private constructor(config: TakerConfig, child: ChildProcess) {
    this.#config = config;
    this.#child = child;
    child.on('message', (answer: Answer) => {
      this.#asked.get(answer.id)?.(answer);
      this.#asked.delete(answer.id);
    });
    child.once('exit', () => {
      for (const [id, tell] of this.#asked) {
        tell({ id, ok: false, value: { message: `${config.taker} is gone` } });
      }
    });
  }

  /** @param env more of the environment: a preloaded library, say. */
  static async start(config: TakerConfig, env: Record<string, string> = {}): Promise<Taker> {
    const child = fork(join(programs(), 'lock-taker.js'), [JSON.stringify(config)], {
      env: { ...process.env, ...env, NODE_OPTIONS: env['NODE_OPTIONS'] ?? '' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const taker = new Taker(config, child);
    await taker.#answerTo(0);
    return taker;
  }

  get name(): string {
    return this.#config.taker;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  take(name: string, options?: LockOptions): Promise<Taken> {
    return this.tell<Taken>({ order: 'take', name, ...(options && { options }) });
  }

  try(name: string, options?: LockOptions): Promise<Taken | null> {
    return this.tell<Taken | null>({ order: 'try', name, ...(options && { options }) });
  }

  release(name: string): Promise<null> {
    return this.tell({ order: 'release', name });
  }

  look(name: string): Promise<{ readonly held: boolean; readonly aborted: boolean }> {
    return this.tell({ order: 'look', name });
  }

  /** Any order; rejects with what it failed with, or when the process is gone. */
  async tell<T>(order: Order): Promise<T> {
    this.#orders += 1;
    const answer = this.#answerTo(this.#orders);
    this.#child.send({ id: this.#orders, ...order });
    return (await answer) as T;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
    new Diary(this.#config.log, this.name).write({ what: 'killed', name: '' });
  }

  /** SIGSTOP: it stands still when this resolves, and does not know it. */
  async pause(): Promise<void> {
    this.#child.kill('SIGSTOP');
    const status = `/proc/${this.#child.pid}/stat`;
    const stands = (): boolean => / [Tt] /.test(readFileSync(status, 'latin1'));
    while (this.running && !stands()) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  /** SIGCONT. */
  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async close(graceMs = 0): Promise<number | null> {
    if (!this.running) return this.#child.exitCode;
    const exited = once(this.#child, 'exit');
    this.tell({ order: 'close', graceMs }).catch(() => undefined);
    const [code] = (await exited) as [number | null];
    return code;
  }

  /** What it has written down so far. */
  log(): readonly Entry[] {
    return readLog(this.#config.log).filter(({ taker }) => taker === this.name);
  }

  #answerTo(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#asked.set(id, ({ ok, value }) => {
        if (ok) resolve(value);
        else reject(Object.assign(new Error(), value as Error));
      });
    });
  }
}
