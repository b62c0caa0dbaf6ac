/**
 * The one race that the live page shows: keeps its instances between the acts, starts others when
 * another store or number is chosen, and tells the page what there is to see.
 */
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { LockState } from 'nestjs-distributed-lock';
import { BehaviorSubject, Subject, type Observable } from 'rxjs';
import type { ActId } from '../race/acts.js';
import type { FleetEvent } from '../race/fleet.js';
import { drawAct, type Shown } from '../race/picture.js';
import { ACTS, Race, type RaceConfig } from '../race/race.js';
import { drawLocks } from './live-page.js';

/** A named event of the stream that the page listens to. */
export interface Scene {
  readonly type: 'act' | 'locks' | 'state';
  readonly data: string;
}

const REDRAW_EVERY_MS = 100;
const LOOK_EVERY_MS = 500;

@Injectable()
export class Theatre implements OnApplicationShutdown {
  readonly #scenes = new Subject<Scene>();
  readonly #state = new BehaviorSubject<string>('Choose an act.');
  #race: Race | null = null;
  #playing = false;

  get scenes(): Observable<Scene> {
    return this.#scenes;
  }

  get state(): string {
    return this.#state.value;
  }

  /** Answers `false` when an act is being played already. */
  begin(id: ActId, config: RaceConfig): boolean {
    if (this.#playing) return false;
    this.#playing = true;
    this.#play(id, config)
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#say(`It could not be played on ${config.store}: ${reason}`);
      })
      .finally(() => {
        this.#playing = false;
      });
    return true;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#race?.close();
    this.#scenes.complete();
  }

  async #play(id: ActId, config: RaceConfig): Promise<void> {
    const race = await this.#raceWith(config);
    const title = ACTS.find((act) => act.id === id)?.title ?? id;
    this.#say(`Playing: ${title} …`);
    const startedAt = Date.now();
    const events: FleetEvent[] = [];
    const shown = (): Shown => ({
      ...{ id, title, startedAt, events, verdict: null },
      endedAt: Date.now(),
    });
    const redraw = setInterval(() => {
      this.#show('act', drawAct(shown(), race.names));
    }, REDRAW_EVERY_MS);
    const look = setInterval(() => void this.#showLocks(race), LOOK_EVERY_MS);
    try {
      const played = await race.play(id, (_, event) => {
        events.push(event);
      });
      this.#show('act', drawAct(played, race.names));
      this.#say(played.verdict.right ? 'As expected.' : 'Not as expected!');
    } finally {
      clearInterval(redraw);
      clearInterval(look);
      await this.#showLocks(race);
    }
  }

  async #raceWith(config: RaceConfig): Promise<Race> {
    if (this.#race !== null && same(this.#race.config, config)) return this.#race;
    this.#say(`Starting ${config.instances} instances on ${config.store} …`);
    await this.#race?.close();
    this.#race = null;
    this.#race = await Race.open(config);
    return this.#race;
  }

  async #showLocks(race: Race): Promise<void> {
    try {
      const response = await fetch(`${race.anyInstance}/locks`);
      this.#show('locks', drawLocks((await response.json()) as readonly LockState[]));
    } catch {
      // The instance that was asked has just been killed; the next look asks another one.
    }
  }

  #say(state: string): void {
    this.#state.next(state);
    this.#show('state', state);
  }

  #show(type: Scene['type'], data: string): void {
    this.#scenes.next({ type, data });
  }
}

function same(a: RaceConfig, b: RaceConfig): boolean {
  return (
    a.store === b.store &&
    a.url === b.url &&
    a.instances === b.instances &&
    a.createMs === b.createMs
  );
}
