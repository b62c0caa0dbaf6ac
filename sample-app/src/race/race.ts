/**
 * Plays the acts: sets the stage (data, instances, balancer), plays one act after the other, and
 * keeps all that happened for the picture.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LockState } from 'nestjs-distributed-lock';
import { DataSource } from 'typeorm';
import { CreationEntity } from '../resources/creation.entity.js';
import { dataSourceOptions, type StoreChoice, type StoreKind } from '../store.js';
import { ACTS, type ActId, type Reply, type Stage, type Verdict } from './acts.js';
import { startBalancer, type Balancer } from './balancer.js';
import { Fleet, type FleetEvent } from './fleet.js';

export interface RaceConfig {
  readonly store: StoreKind;
  readonly url: string;
  readonly instances: number;
  readonly createMs: number;
  /** Of the balancer; 0: a free one. */
  readonly port: number;
}

/** One act as it was played. */
export interface Played {
  readonly id: ActId;
  readonly title: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly verdict: Verdict;
  readonly events: readonly FleetEvent[];
}

export type RaceListener = (act: ActId, event: FleetEvent) => void;

/** Short, so that a race with a kill ends soon; long enough for a renewal on a busy machine. */
const TTL_MS = 2_000;
/** What a waiter has beyond the longest wait that goes well: a lost lease and two creations. */
const SLACK_MS = 1_000;
const NEWS_WITHIN_MS = 20_000;

export class Race {
  readonly names: readonly string[];
  readonly config: RaceConfig;
  readonly #folder: string;
  readonly #dataSource: DataSource;
  readonly #fleet: Fleet;
  readonly #waitMs: number;
  #balancer: Balancer | null = null;
  #plays = 0;

  constructor(config: RaceConfig) {
    this.config = config;
    // Made here and not in `open`, so that `close` knows of it whenever it is called.
    this.#folder = mkdtempSync(join(tmpdir(), 'lock-race-'));
    this.names = Array.from({ length: config.instances }, (_, n) => `instance-${n + 1}`);
    const store: StoreChoice = {
      kind: config.store,
      url: config.url,
      file: join(this.#folder, 'sample.sqlite'),
    };
    this.#waitMs = TTL_MS + 2 * config.createMs + SLACK_MS;
    this.#dataSource = new DataSource({ ...dataSourceOptions(store), synchronize: true });
    const { createMs } = config;
    this.#fleet = new Fleet({ store, createMs, ttlMs: TTL_MS, waitMs: this.#waitMs });
  }

  /** Sets the stage. Whatever way it ends, `close` leaves nothing behind. */
  async open(): Promise<void> {
    this.#balancer = await startBalancer(this.#fleet, this.config.port);
    await this.#dataSource.initialize();
    await this.#start(this.names);
  }

  /** What an instance answers to `GET /locks`: the locks as `LockService` lists them. */
  async locks(): Promise<readonly LockState[]> {
    // Past the balancer, whose turns belong to the act that is being played.
    const instance = this.#fleet.instances.at(-1);
    if (instance === undefined) return [];
    const response = await fetch(`http://127.0.0.1:${instance.port}/locks`);
    return (await response.json()) as readonly LockState[];
  }

  async play(id: ActId, listener: RaceListener): Promise<Played> {
    const act = ACTS.find((one) => one.id === id);
    if (act === undefined) throw new Error(`There is no act ${JSON.stringify(id)}.`);
    await this.#replaceTheKilled();
    const events: FleetEvent[] = [];
    const waiting = new Set<(event: FleetEvent) => void>();
    this.#fleet.onEvent((event) => {
      events.push(event);
      listener(id, event);
      for (const hear of waiting) hear(event);
    });
    const startedAt = Date.now();
    const verdict = await act.play(this.#stage(events, waiting));
    return { id, title: act.title, startedAt, endedAt: Date.now(), verdict, events };
  }

  async close(): Promise<void> {
    await this.#balancer?.close();
    await this.#fleet.stop();
    if (this.#dataSource.isInitialized) await this.#dataSource.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #replaceTheKilled(): Promise<void> {
    const up = new Set(this.#fleet.instances.map(({ name }) => name));
    await this.#start(this.names.filter((name) => !up.has(name)));
  }

  /** With one request to each, since the first costs most: the race is not about that. */
  async #start(names: readonly string[]): Promise<void> {
    await this.#fleet.start(names);
    const fresh = this.#fleet.instances.filter(({ name }) => names.includes(name));
    await Promise.all(
      fresh.map(async ({ port }) => {
        const response = await fetch(`http://127.0.0.1:${port}/resources/none`);
        await response.arrayBuffer();
      }),
    );
  }

  #stage(events: FleetEvent[], waiting: Set<(event: FleetEvent) => void>): Stage {
    const play = ++this.#plays;
    return {
      instances: this.config.instances,
      createMs: this.config.createMs,
      ttlMs: TTL_MS,
      waitMs: this.#waitMs,
      events,
      locks: () => this.locks(),
      resourceId: (act) => `${act}-${Date.now().toString(36)}-${play}`,
      post: (id, query = '') => {
        const reply = this.#post(id, query);
        // An act that fails before it looks at an answer must not end the process with it.
        reply.catch(() => undefined);
        return reply;
      },
      creations: (id) => this.#dataSource.manager.countBy(CreationEntity, { resourceId: id }),
      kill: (instance) => {
        this.#fleet.kill(instance);
      },
      next: (fits) =>
        new Promise((resolve, reject) => {
          const timer = setTimeout(() => {
            reject(new Error(`Nothing was heard from the instances for ${NEWS_WITHIN_MS} ms.`));
          }, NEWS_WITHIN_MS);
          const hear = (event: FleetEvent): void => {
            if (!fits(event)) return;
            clearTimeout(timer);
            waiting.delete(hear);
            resolve(event);
          };
          waiting.add(hear);
        }),
    };
  }

  async #post(id: string, query: string): Promise<Reply> {
    const startedAt = performance.now();
    const url = `${this.#balancer?.url ?? ''}/resources/${id}${query}`;
    const response = await fetch(url, { method: 'POST' });
    return {
      status: response.status,
      instance: response.headers.get('x-instance') ?? '',
      body: (await response.json()) as Reply['body'],
      retryAfter: response.headers.get('retry-after'),
      tookMs: performance.now() - startedAt,
    };
  }
}

export { ACTS };
