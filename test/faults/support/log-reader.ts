/** Reads a log that grows, each line once. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Entry } from '../programs/diary.js';

export class LogReader {
  readonly #file: string;
  readonly #entries: Entry[] = [];
  readonly #buffer = Buffer.alloc(1 << 16);
  #offset = 0;
  #rest = '';

  constructor(file: string) {
    this.#file = file;
  }

  /** All entries up to now, in the order of writing. */
  entries(): readonly Entry[] {
    const file = openSync(this.#file, 'r');
    try {
      for (;;) {
        const length = readSync(file, this.#buffer, 0, this.#buffer.length, this.#offset);
        if (length === 0) return this.#entries;
        this.#offset += length;
        this.#take(this.#buffer.toString('utf8', 0, length));
      }
    } finally {
      closeSync(file);
    }
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    // What has no end yet: the next reading brings it.
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#entries.push(JSON.parse(line) as Entry);
  }
}

/** All entries of a log, of all takers, in the order of time. */
export function readLog(file: string): readonly Entry[] {
  const entries = new LogReader(file).entries();
  return [...entries].sort((a, b) => a.at - b.at);
}
