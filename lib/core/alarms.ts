/**
 * One timer for any number of alarms. A process that holds ten thousand locks, or in which ten
 * thousand callers wait, has one Node timer for them, and setting an alarm allocates nothing.
 * The price is precision: alarms ring on a grid of `GRID_MS`.
 */
import type { Clock, Timer } from './clock.js';

/** Alarms ring on multiples of this. */
export const GRID_MS = 10;

/**
 * The most that ring in one go. Ten thousand leases that are due together would keep the event loop
 * from everything else for tens of milliseconds; what is left rings in its next turn.
 */
const MOST_AT_ONCE = 500;

/**
 * Whoever wants to be called later. It has at most one alarm set at a time. Inherited from, against
 * the habit here: the alarms of a moment are linked through their own fields, and every lock needs
 * four of them.
 */
export abstract class Alarm {
  /** The moment it is set for; `null` when it is not set. These three belong to `Alarms`. */
  moment: Moment | null = null;
  before: Alarm | null = null;
  after: Alarm | null = null;

  /** Must not throw. The alarm is not set any more when it rings; it may set itself again. */
  abstract ring(now: number): void;
}

/** An alarm that is nothing else. */
export class Reminder extends Alarm {
  constructor(readonly ring: (now: number) => void) {
    super();
  }
}

/** All alarms of one step of the grid. */
interface Moment {
  readonly slot: number;
  first: Alarm | null;
}

export class Alarms {
  readonly #clock: Clock;
  #background: boolean;
  /** `early`: an alarm rings at or up to a grid step before its time; otherwise at or after it. */
  readonly #early: boolean;
  readonly #moments = new Map<number, Moment>();
  /** A binary heap of the slots in `#moments`, the soonest on top. */
  readonly #heap: number[] = [];
  #armedFor = Infinity;
  #timer: Timer | null = null;
  /** How many alarms are set. */
  #count = 0;

  /** @param mode.background alarms that are set do not keep the process alive. */
  constructor(clock: Clock, { early, background }: { early: boolean; background: boolean }) {
    this.#clock = clock;
    this.#early = early;
    this.#background = background;
  }

  set(alarm: Alarm, at: number): void {
    const slot = this.#early ? Math.floor(at / GRID_MS) : Math.ceil(at / GRID_MS);
    if (alarm.moment?.slot === slot) return;
    this.clear(alarm);
    let moment = this.#moments.get(slot);
    if (moment === undefined) {
      moment = { slot, first: null };
      this.#moments.set(slot, moment);
      push(this.#heap, slot);
    }
    alarm.moment = moment;
    alarm.after = moment.first;
    if (moment.first !== null) moment.first.before = alarm;
    moment.first = alarm;
    this.#changeCount(1);
    // Also for a moment that is not new: it may have been passed over as empty.
    if (slot < this.#armedFor) this.#arm();
  }

  clear(alarm: Alarm): void {
    const { moment, before, after } = alarm;
    if (moment === null) return;
    if (before === null) moment.first = after;
    else before.after = after;
    if (after !== null) after.before = before;
    alarm.moment = null;
    alarm.before = null;
    alarm.after = null;
    this.#changeCount(-1);
  }

  /** From now on no alarm keeps the process alive. */
  letGo(): void {
    this.#background = true;
    this.#timer?.keepAlive(false);
  }

  #changeCount(by: 1 | -1): void {
    this.#count += by;
    // The timer of an alarm that was cleared runs on; it must not hold up the end of the process.
    const none = this.#count === 0;
    if (!this.#background && (none || this.#count === by)) this.#timer?.keepAlive(!none);
  }

  #arm(): void {
    this.#dropEmptyMoments();
    const soonest = this.#heap[0] ?? Infinity;
    if (soonest === this.#armedFor) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#armedFor = soonest;
    if (soonest === Infinity) return;
    const ms = Math.max(0, soonest * GRID_MS - this.#clock.now());
    this.#timer = this.#clock.after(ms, this.#ringDue);
    if (!this.#background) this.#timer.keepAlive(true);
  }

  readonly #ringDue = (): void => {
    this.#timer = null;
    this.#armedFor = Infinity;
    const now = this.#clock.now();
    let left = MOST_AT_ONCE;
    for (let slot = this.#heap[0]; slot !== undefined; slot = this.#heap[0]) {
      if (slot * GRID_MS > now || left === 0) break;
      const moment = this.#moments.get(slot);
      for (let alarm = moment?.first; alarm && left > 0; alarm = moment?.first) {
        left -= 1;
        this.clear(alarm);
        alarm.ring(now);
      }
      this.#dropEmptyMoments();
    }
    this.#arm();
  };

  /** Cleared alarms leave empty moments behind; those on top would wake the process for nothing. */
  #dropEmptyMoments(): void {
    for (let slot = this.#heap[0]; slot !== undefined; slot = this.#heap[0]) {
      if ((this.#moments.get(slot)?.first ?? null) !== null) return;
      this.#moments.delete(slot);
      pop(this.#heap);
    }
  }
}

function push(heap: number[], value: number): void {
  let at = heap.length;
  heap.push(value);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] ?? -Infinity;
    if (above <= value) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = value;
}

function pop(heap: number[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if ((heap[child + 1] ?? Infinity) < (heap[child] ?? Infinity)) child += 1;
    const below = heap[child] ?? Infinity;
    if (below >= last) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
}
