/**
 * One process of the simulated world: its clock, which runs a little fast or slow, its event loop,
 * which may stall, and its end, which may come without notice.
 */
import type { Clock, Timer } from '../../lib/core/clock.js';
import type { Locks } from '../../lib/core/locks.js';
import type { Happening } from '../support/timeline.js';
import { Link } from './link.js';
import { locksOf } from './locks-of.js';
import type { World } from './world.js';

type Kind = 'io' | 'timer';

interface Deferred {
  readonly kind: Kind;
  readonly happening: Happening;
  readonly run: () => void;
}

export class Client implements Clock {
  readonly process: string;
  readonly link: Link;
  readonly locks: Locks;
  dead = false;
  frozen = false;
  /** No new locks: shut down, or about to. */
  refusing = false;
  /** When it last came out of a stall. */
  thawedAt = -Infinity;
  /** How many of its timers are set. */
  timers = 0;
  readonly #world: World;
  readonly #rate: number;
  readonly #zero: number;
  readonly #deferred: Deferred[] = [];

  constructor(world: World, number: number) {
    this.#world = world;
    this.process = `p${number}`;
    const { random } = world;
    // Exactly at the edge now and then: that is what the margin is made for.
    this.#rate = random.pick([1, 1, 0.9, 1.1, random.between(0.9, 1.1)]);
    this.#zero = random.between(0, 1_000_000);
    this.link = new Link(world, this);
    this.locks = locksOf(world, this);
  }

  /** Its own clock, not the true time. */
  now(): number {
    return this.#zero + this.#world.timeline.now * this.#rate;
  }

  after(ms: number, run: () => void): Timer {
    const { random, stormy } = this.#world;
    // Node's timers ring late, by what the loop is busy with.
    const late = stormy && random.chance(0.1) ? random.between(0, 30) : random.between(0, 2);
    this.timers += 1;
    const happening = this.later(Math.max(0, ms) / this.#rate + late, 'timer', () => {
      this.timers -= 1;
      run();
    });
    return {
      cancel: () => {
        if (happening.off) return;
        happening.off = true;
        this.timers -= 1;
      },
      keepAlive: () => undefined,
    };
  }

  /** Something that this process will notice, if it lives, and as soon as it is awake. */
  later(ms: number, kind: Kind, run: () => void): Happening {
    const { timeline } = this.#world;
    const happening: Happening = timeline.schedule(timeline.now + ms, () => {
      if (this.dead) return;
      if (this.frozen) {
        this.#deferred.push({ kind, happening, run });
        return;
      }
      happening.off = true;
      run();
    });
    return happening;
  }

  /** A pause of the application's own, in true time. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.later(ms, 'timer', resolve);
    });
  }

  /** Nothing of it moves, its timers and its I/O included, for `ms` of true time. */
  freeze(ms: number): void {
    if (this.dead || this.frozen) return;
    this.frozen = true;
    this.#world.log(this.process, `stalls for ${Math.round(ms)} ms`);
    const { timeline, random } = this.#world;
    timeline.schedule(timeline.now + ms, () => {
      this.frozen = false;
      this.thawedAt = timeline.now;
      this.#world.log(this.process, 'wakes');
      const missed = this.#deferred.splice(0);
      const order = random.pick(['io', 'timer', 'any']);
      if (order === 'any') random.shuffle(missed);
      else missed.sort((one, two) => rank(one, order) - rank(two, order));
      for (const { kind, happening, run } of missed) {
        this.later(0, kind, () => {
          // One that was cancelled by another's ringing does not ring any more.
          if (happening.off) return;
          happening.off = true;
          run();
        });
      }
    });
  }

  crash(): void {
    if (this.dead) return;
    this.dead = true;
    this.#world.log(this.process, 'crashes');
  }
}

function rank({ kind }: Deferred, first: string): number {
  return kind === first ? 0 : 1;
}
