/**
 * Forgets names that nobody uses, a few at a time and only in processes that use the locks. Nothing
 * depends on it but the size of the tables.
 */
import type { SqlStore } from './sql-dialect.js';

const EVERY_MS = 20_000;
const AT_ONCE = 1_000;
/** What is left after this many goes in a row is for the next round, or the other processes. */
const IN_A_ROW = 20;
/** A name that ended well is soon forgotten: its last ending says little. */
const IDLE_MS = 600_000;
/** A week: the next run of a weekly job still hears how the last one failed. */
export const LONG_IDLE_MS = 7 * 86_400_000;

export class Janitor {
  readonly #store: SqlStore;
  #timer: NodeJS.Timeout | null = null;

  constructor(store: SqlStore) {
    this.#store = store;
  }

  start(): void {
    this.#again();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #again(): void {
    // Jittered, so that processes that started together do not sweep together.
    const timer = setTimeout(() => void this.#sweep(timer), EVERY_MS * (0.5 + Math.random()));
    timer.unref();
    this.#timer = timer;
  }

  async #sweep(timer: NodeJS.Timeout): Promise<void> {
    try {
      for (let round = 0; round < IN_A_ROW && this.#timer === timer; round += 1) {
        if ((await this.#store.cleanUp(IDLE_MS, AT_ONCE)) < AT_ONCE) break;
      }
    } catch {
      // The store is down, or busy: the sweep is not worth a second try, let alone an error.
    }
    if (this.#timer === timer) this.#again();
  }
}
