/**
 * One timer for any number of alarms. A process that holds ten thousand locks, or in which ten
 * thousand callers wait, has one Node timer for them, and setting an alarm costs two map look-ups.
 * The price is precision: alarms ring on a grid of `GRID_MS`.
 */
import type { Clock, Timer } from './clock.js';

/** Alarms ring on multiples of this. */
export const GRID_MS = 10;

/** Whoever wants to be called later. It has at most one alarm set at a time. */
export interface Alarm {
  /** Bookkeeping of `Alarms`: the grid slot it is set for, -1 when it is not set. */
  slot: number;
  /** Must not throw. The alarm is not set any more when it rings; it may set itself again. */
  ring(now: number): void;
}

export class Alarms {
  readonly #clock: Clock;
  readonly #background: boolean;
  /** `early`: an alarm rings at or up to a grid step before its time; otherwise at or after it. */
  readonly #early: boolean;
  readonly #slots = new Map<number, Set<Alarm>>();
  /** A binary heap of the slots in `#slots`, the soonest on top. */
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
    if (alarm.slot === slot) return;
    if (alarm.slot === -1) this.#changeCount(1);
    else this.#slots.get(alarm.slot)?.delete(alarm);
    alarm.slot = slot;
    const inSlot = this.#slots.get(slot);
    if (inSlot !== undefined) {
      inSlot.add(alarm);
      // The slot may have been passed over as empty when the timer was last armed.
      if (slot < this.#armedFor) this.#arm();
      return;
    }
    this.#slots.set(slot, new Set([alarm]));
    push(this.#heap, slot);
    if (slot < this.#armedFor) this.#arm();
  }

  clear(alarm: Alarm): void {
    if (alarm.slot === -1) return;
    this.#slots.get(alarm.slot)?.delete(alarm);
    alarm.slot = -1;
    this.#changeCount(-1);
  }

  #changeCount(by: 1 | -1): void {
    this.#count += by;
    // The timer of an alarm that was cleared runs on; it must not hold up the end of the process.
    const none = this.#count === 0;
    if (!this.#background && (none || this.#count === by)) this.#timer?.keepAlive(!none);
  }

  #arm(): void {
    this.#dropEmptySlots();
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
    for (let slot = this.#heap[0]; slot !== undefined; slot = this.#heap[0]) {
      if (slot * GRID_MS > now) break;
      const due = this.#slots.get(slot);
      pop(this.#heap);
      this.#slots.delete(slot);
      for (const alarm of due ?? []) {
        // One that was cleared or moved by another one's ringing is no longer ours to ring.
        if (alarm.slot !== slot) continue;
        alarm.slot = -1;
        this.#changeCount(-1);
        alarm.ring(now);
      }
    }
    this.#arm();
  };

  /** Cleared alarms leave empty slots behind; those on top would wake the process for nothing. */
  #dropEmptySlots(): void {
    for (let slot = this.#heap[0]; slot !== undefined; slot = this.#heap[0]) {
      if ((this.#slots.get(slot)?.size ?? 0) > 0) return;
      this.#slots.delete(slot);
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
