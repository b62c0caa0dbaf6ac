/**
 * Watches the state of a lock that one need not hold. The store's push tells that something has
 * changed; what is true then is asked, so a lost push costs one interval and nothing else.
 */
import { Alarm } from './alarms.js';
import type { Engine } from './engine.js';
import type { LockState } from './lease.js';
import type { WatchAnswer } from './lock-driver.js';

/** Pushes in quick succession are answered by one look. */
const LOOKS_APART_MS = 20;

export class Watching extends Alarm {
  #looking = false;
  #again = false;
  #over = false;
  #failures = 0;
  #lookedAt = -Infinity;
  #last: LockState | null = null;
  readonly #engine: Engine;
  readonly #listener: (state: LockState) => void;

  constructor(
    engine: Engine,
    readonly name: string,
    listener: (state: LockState) => void,
  ) {
    super();
    this.#engine = engine;
    this.#listener = listener;
  }

  /** The state may have changed. */
  look(): void {
    if (this.#over) return;
    const now = this.#engine.clock.now();
    if (this.#looking) {
      this.#again = true;
    } else if (now < this.#lookedAt + LOOKS_APART_MS) {
      this.#engine.alarms.set(this, this.#lookedAt + LOOKS_APART_MS);
    } else {
      this.#looking = true;
      this.#again = false;
      this.#lookedAt = now;
      this.#engine
        .ask(this.name, 'watched', (driver) => driver.watch(this.name))
        .then(this.#seen, this.#failed);
    }
  }

  ring(): void {
    this.look();
  }

  end(): void {
    this.#over = true;
    this.#engine.alarms.clear(this);
  }

  readonly #seen = ({ state, retryInMs }: WatchAnswer): void => {
    if (this.#over) return;
    this.#looking = false;
    this.#failures = 0;
    const { alarms, clock } = this.#engine;
    alarms.set(this, clock.now() + (this.#again ? LOOKS_APART_MS : retryInMs));
    const before = this.#last;
    this.#last = state;
    if (before !== null && !isChange(before, state)) return;
    try {
      this.#listener(state);
    } catch {
      // Its mistake must not end the watch, nor the process by a rejection that nobody sees.
    }
  };

  readonly #failed = (): void => {
    if (this.#over) return;
    // The engine has told the observer. The watch outlives the trouble.
    this.#looking = false;
    this.#failures += 1;
    const { alarms, clock } = this.#engine;
    alarms.set(this, clock.now() + this.#engine.backOff(this.#failures));
  };
}

/** Whether something happened; the passing of time alone is no change. */
function isChange(before: LockState, after: LockState): boolean {
  return (
    before.phase !== after.phase ||
    before.owner !== after.owner ||
    before.token !== after.token ||
    before.waiting !== after.waiting ||
    JSON.stringify([before.note, before.ending]) !== JSON.stringify([after.note, after.ending])
  );
}
