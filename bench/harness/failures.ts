/** The errors of a process, counted by their message. */

/** A contender that only fails must not fill the report, nor the memory. */
const MOST_FAILURES = 200;

export class Failures {
  readonly #counts: Record<string, number> = {};
  #total = 0;
  #closed = false;

  get total(): number {
    return this.#total;
  }

  get tooMany(): boolean {
    return this.#total >= MOST_FAILURES;
  }

  get counts(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }

  add(error: unknown): void {
    if (this.#closed) return;
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    // One line, without what differs from name to name, so that the same failures count together.
    const short = (text.split('\n')[0] ?? '').replace(/\d+/g, 'N').slice(0, 160);
    this.#counts[short] = (this.#counts[short] ?? 0) + 1;
    this.#total++;
  }

  /** From here on, nothing counts: the measuring is over, and waiters are being turned away. */
  close(): void {
    this.#closed = true;
  }
}
