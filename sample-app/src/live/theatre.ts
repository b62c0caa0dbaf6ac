/**
 * The one race that the live page shows: keeps its instances between the acts, starts others when
 * another store or number is chosen, and tells the page what there is to see.
 */
import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { concat, defer, from, Subject, type Observable } from 'rxjs';
import type { ActId } from '../race/acts.js';
import type { FleetEvent } from '../race/fleet.js';
import { drawAct, type Shown } from '../race/picture.js';
import { ACTS, Race, type RaceConfig } from '../race/race.js';
import { checkStore } from '../race/reach.js';
import { drawLocks } from './live-page.js';

/** A named event of the stream that the page listens to. */
export interface Scene {
  readonly type: 'act' | 'earlier' | 'locks' | 'state';
  readonly data: string;
}

const REDRAW_EVERY_MS = 100;
const LOOK_EVERY_MS = 250;

@Injectable()
export class Theatre implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #news = new Subject<Scene>();
  /** The latest of each type: what a page sees that is opened in the middle of it all. */
  readonly #latest = new Map<Scene['type'], Scene>();
  /** The latest play of each act, the youngest first, drawn. */
  readonly #played = new Map<ActId, string>();
  #race: Race | null = null;
  #playing = false;

  readonly scenes: Observable<Scene> = concat(
    defer(() => from([...this.#latest.values()])),
    this.#news,
  );

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

  /** Before the server waits for its last connection: an open page would never let go of its. */
  beforeApplicationShutdown(): void {
    this.#news.complete();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#race?.close();
  }

  async #play(id: ActId, config: RaceConfig): Promise<void> {
    const race = await this.#raceWith(config);
    this.#showEarlier(id);
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
      const drawn = drawAct(played, race.names);
      this.#show('act', drawn);
      this.#played.delete(id);
      this.#played.set(id, drawn);
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
    // Known before it is open: it must be closed even if the application ends meanwhile.
    this.#race = new Race(config);
    try {
      await checkStore(config.store, config.url);
      await this.#race.open();
    } catch (error) {
      await this.#race.close();
      this.#race = null;
      throw error;
    }
    return this.#race;
  }

  async #showLocks(race: Race): Promise<void> {
    try {
      this.#show('locks', drawLocks(await race.locks()));
    } catch {
      // The instance that was asked has just been killed; the next look asks another one.
    }
  }

  /** The acts that were played before this one, so that one can be compared with another. */
  #showEarlier(id: ActId): void {
    const others = [...this.#played].filter(([played]) => played !== id).reverse();
    this.#show('earlier', others.map(([, drawn]) => drawn).join('\n'));
  }

  #say(state: string): void {
    this.#show('state', state);
  }

  #show(type: Scene['type'], data: string): void {
    const scene = { type, data };
    this.#latest.set(type, scene);
    this.#news.next(scene);
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
