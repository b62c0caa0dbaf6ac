/**
 * Makes one round trip of the calls of one tick. A lonely call leaves at the end of its tick and
 * pays nothing; when all lanes are busy, calls gather until one is free, so that the batches grow
 * with the load and the number of round trips does not.
 */

/** Runs a batch; its answers are in the order of the items. */
export type RunBatch<Item, Answer> = (items: readonly Item[]) => Promise<readonly Answer[]>;

export interface GathererOptions<Item, Answer> {
  readonly run: RunBatch<Item, Answer>;
  /** Items with the same key are never in one batch, nor in two batches at once. */
  readonly keyOf: (item: Item) => string;
  /** How many batches at once. */
  readonly lanes: number;
  readonly maxBatch: number;
}

interface Pending<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export class Gatherer<Item, Answer> {
  readonly #options: GathererOptions<Item, Answer>;
  #waiting: Pending<Item, Answer>[] = [];
  readonly #keysInFlight = new Set<string>();
  #lanesInUse = 0;
  #scheduled = false;

  constructor(options: GathererOptions<Item, Answer>) {
    this.#options = options;
  }

  /** Rejects with what the batch rejected with. */
  submit(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After all promise callbacks of this tick, so that everything they ask for travels together.
    process.nextTick(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    while (this.#lanesInUse < this.#options.lanes) {
      const batch = this.#take();
      if (batch.length === 0) return;
      void this.#run(batch);
    }
  }

  /** The longest waiting, as many as fit; what has a key that is in flight stays in its place. */
  #take(): Pending<Item, Answer>[] {
    const { keyOf, maxBatch } = this.#options;
    const batch: Pending<Item, Answer>[] = [];
    const stay: Pending<Item, Answer>[] = [];
    for (const pending of this.#waiting) {
      const key = keyOf(pending.item);
      if (batch.length === maxBatch || this.#keysInFlight.has(key)) {
        stay.push(pending);
        continue;
      }
      this.#keysInFlight.add(key);
      batch.push(pending);
    }
    this.#waiting = stay;
    return batch;
  }

  async #run(batch: readonly Pending<Item, Answer>[]): Promise<void> {
    this.#lanesInUse += 1;
    try {
      const answers = await this.#options.run(batch.map(({ item }) => item));
      batch.forEach(({ resolve, reject }, index) => {
        const answer = answers[index];
        if (answer === undefined && index >= answers.length) {
          reject(new Error(`the store answered ${answers.length} of ${batch.length} steps`));
        } else resolve(answer as Answer);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      for (const { item } of batch) this.#keysInFlight.delete(this.#options.keyOf(item));
      this.#lanesInUse -= 1;
      if (this.#waiting.length > 0) this.#schedule();
    }
  }
}
