/**
 * Plays the acts: sets the stage (data, instances, balancer), plays one act after the other, and
 * keeps all that happened for the picture.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { CreationEntity } from '../resources/creation.entity.js';
import { dataSourceOptions, type StoreChoice, type StoreKind } from '../store.js';
import { ACTS, type Act, type ActId, type Reply, type Stage, type Verdict } from './acts.js';
import { startBalancer, type Balancer } from './balancer.js';
import { Fleet, type FleetEvent } from './fleet.js';

export interface RaceConfig {
  readonly store: StoreKind;
  readonly url: string;
  readonly instances: number;
  readonly createMs: number;
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

const NEWS_WITHIN_MS = 20_000;

export class Race {
  readonly names: readonly string[];
  readonly config: RaceConfig;
  readonly #folder: string;
  readonly #dataSource: DataSource;
  readonly #fleet: Fleet;
  readonly #ttlMs: number;
  readonly #waitMs: number;
  #balancer: Balancer | null = null;
  #plays = 0;

  private constructor(config: RaceConfig, folder: string) {
    this.config = config;
    this.#folder = folder;
    this.names = Array.from({ length: config.instances }, (_, n) => `instance-${n + 1}`);
    const store: StoreChoice = {
      kind: config.store,
      url: config.url,
      file: join(folder, 'sample.sqlite'),
    };
    this.#ttlMs = 1_500;
    this.#waitMs = this.#ttlMs + 2 * config.createMs + 500;
    this.#dataSource = new DataSource({ ...dataSourceOptions(store), synchronize: true });
    this.#fleet = new Fleet({
      store,
      createMs: config.createMs,
      ttlMs: this.#ttlMs,
      waitMs: this.#waitMs,
    });
  }

  /** Sets the stage. Whatever way it ends, `close` leaves nothing behind. */
  static async open(config: RaceConfig): Promise<Race> {
    const race = new Race(config, await mkdtemp(join(tmpdir(), 'lock-race-')));
    try {
      await race.#dataSource.initialize();
      await race.#fleet.start(race.names);
      race.#balancer = await startBalancer(race.#fleet);
    } catch (error) {
      await race.close();
      throw error;
    }
    return race;
  }

  /** The address of one instance; each has the same routes. */
  get anyInstance(): string {
    return `http://127.0.0.1:${this.#fleet.roundRobin().port}`;
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
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #replaceTheKilled(): Promise<void> {
    const up = new Set(this.#fleet.instances.map(({ name }) => name));
    await this.#fleet.start(this.names.filter((name) => !up.has(name)));
  }

  #stage(events: FleetEvent[], waiting: Set<(event: FleetEvent) => void>): Stage {
    const play = ++this.#plays;
    return {
      instances: this.config.instances,
      createMs: this.config.createMs,
      ttlMs: this.#ttlMs,
      waitMs: this.#waitMs,
      events,
      resourceId: (act) => `${act}-${process.pid}-${play}-${Date.now()}`,
      post: (id, query = '') => this.#post(id, query),
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

export { ACTS, type Act };
