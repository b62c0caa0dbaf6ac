/** What a taker writes down, at once and in order, with the times of the machine's one clock. */
import { appendFileSync } from 'node:fs';

/** One line of the log. */
export interface Entry {
  readonly at: number;
  readonly taker: string;
  readonly what:
    | 'asked'
    | 'granted'
    /** It believes in it until later than it said before. */
    | 'renewed'
    /** The round, or the try, failed: `error` says why, `token` if it had been granted. */
    | 'refused'
    /** About to be given back. */
    | 'released'
    /** Its signal has aborted. */
    | 'lost'
    | 'body-began'
    | 'body-ended'
    /** One was added, and nothing can take it back. */
    | 'counted'
    /** It is about to stop itself in the middle of its body. */
    | 'stopped'
    /** By the harness: it is dead now. Goes for all names. */
    | 'killed'
    | 'store-error';
  readonly name: string;
  readonly token?: number;
  readonly previous?: string;
  /** Until when the taker believes without being told otherwise, on the same clock. */
  readonly until?: number;
  readonly error?: string;
  readonly code?: string;
}

/** Milliseconds on the machine's monotonic clock, the same in all processes. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

export class Diary {
  readonly #file: string;
  readonly #taker: string;

  constructor(file: string, taker: string) {
    this.#file = file;
    this.#taker = taker;
  }

  write(entry: Omit<Entry, 'at' | 'taker'>): void {
    const line: Entry = { at: now(), taker: this.#taker, ...entry };
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}
