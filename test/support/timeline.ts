/**
 * Time that passes on command: a list of what will happen, soonest first, and in the order of its
 * making where the moment is the same. Taking the next entry sets the time to its moment.
 */

/** Something that will happen, unless it is called off. */
export interface Happening {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  off: boolean;
}

export class Timeline {
  /** Milliseconds since the beginning of this world. */
  now = 0;
  #order = 0;
  /** A binary heap, the soonest on top. */
  readonly #heap: Happening[] = [];

  schedule(at: number, run: () => void): Happening {
    this.#order += 1;
    const happening = { at: Math.max(at, this.now), order: this.#order, run, off: false };
    this.#push(happening);
    return happening;
  }

  /** When the next one is due; `Infinity`: nothing is going to happen any more. */
  get nextAt(): number {
    while (this.#heap[0]?.off === true) this.#pop();
    return this.#heap[0]?.at ?? Infinity;
  }

  /** Moves the time to the next one and takes it out; `null` when there is none. */
  next(): Happening | null {
    if (this.nextAt === Infinity) return null;
    const happening = this.#pop();
    if (happening !== null) this.now = happening.at;
    return happening;
  }

  /** How many are still going to happen. */
  get size(): number {
    return this.#heap.filter((one) => !one.off).length;
  }

  #push(one: Happening): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(one);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isSooner(above, one)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = one;
  }

  #pop(): Happening | null {
    const heap = this.#heap;
    const top = heap[0] ?? null;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let below = heap[child];
      if (below === undefined) break;
      const other = heap[child + 1];
      if (other !== undefined && isSooner(other, below)) {
        child += 1;
        below = other;
      }
      if (isSooner(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function isSooner(one: Happening, other: Happening): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
