/**
 * The doorbell: MySQL has no NOTIFY, but a session that sleeps can be woken. A process that waits
 * keeps one connection in `SELECT … SLEEP(…)` and, as long as that session lives, a user lock
 * (`GET_LOCK`) by which a hand-over finds its connection id: `KILL QUERY` wakes it, which the same
 * user may do. The user lock ends with its session, so that nobody else's statement is ever killed.
 *
 * A ring that comes between two sleeps would be lost; therefore the statement that sleeps looks,
 * before it does, whether one of our owners was handed something meanwhile. Whoever is not rung
 * looks again after `retryInMs`, as without a bell. Nobody waits: nobody sleeps.
 */
import type { DataSource } from 'typeorm';
import { LINE_TIMES, type Wake } from '../../../core/lock-driver.js';
import type { LockTables } from '../lock-tables.js';
import { jitteredPause } from '../repeat.js';
import { isStatementError, Lane } from './mysql-connections.js';
import { quoted } from './mysql-schema.js';
import type { ServerForm } from './mysql-script.js';
import { BEGAN, bytes, text } from './mysql-text.js';

const SLEEP_S = 2;
/** With more owners than this the look before the sleep is left out: too long a statement. */
const LOOKED_FOR = 200;
const RETRY_MS = 1_000;
const REMEMBERED = 1_000;

export interface BellOptions {
  readonly dataSource: DataSource;
  readonly tables: LockTables;
  readonly form: ServerForm;
  /** The user lock's name. */
  readonly name: string;
  readonly hear: (wake: Wake) => void;
}

export class Bell {
  readonly #options: BellOptions;
  readonly #lane: Lane;
  /** Owner → its name, and until when its ticket lives at most, by our own clock. */
  readonly #waiting = new Map<string, { readonly name: string; readonly until: number }>();
  readonly #rung = new Set<string>();
  #isHeard = false;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(options: BellOptions) {
    this.#options = options;
    this.#lane = new Lane(options.dataSource, false);
  }

  /** Whether a ring would be heard. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  /** Call it before asking: the ring may come before the answer. */
  expect(name: string, owner: string): void {
    this.#waiting.set(owner, { name, until: performance.now() + LINE_TIMES.ticketMs });
  }

  /** The owner stands in the line. */
  listen(): void {
    if (this.#closed || this.#running !== null) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** The owner has got what it stood in the line for, or has left. */
  forget(owner: string): void {
    this.#waiting.delete(owner);
    this.#rung.delete(owner);
  }

  /** Whether the bell was rung for this owner, which has yet to ask. Answers it once. */
  hasRung(owner: string): boolean {
    return this.#rung.delete(owner);
  }

  /**
   * Wakes our own sleeper, so that its connection can be closed in good order.
   *
   * @param run runs statements on another connection.
   */
  async close(run: (statements: readonly string[]) => Promise<unknown>): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    if (this.#running !== null) {
      const { name, form } = this.#options;
      await run([`SET @bell = '${name}'`, ...form.ring]).catch(() => undefined);
      await this.#running;
    }
    await this.#lane.close();
  }

  async #run(): Promise<void> {
    while (!this.#closed && this.#dropDead() > 0) {
      try {
        await this.#listenOnce();
      } catch (error) {
        if (isStatementError(error) && isInterruption(error)) {
          await this.#tell();
          continue;
        }
        // The connection is gone, and with it the user lock: rings may have been missed.
        this.#isHeard = false;
        await jitteredPause(RETRY_MS);
        this.#options.hear({ kind: 'missed' });
      }
    }
  }

  async #listenOnce(): Promise<void> {
    if (!this.#isHeard) {
      const [result] = await this.#lane.run([`SELECT GET_LOCK('${this.#options.name}', 0) AS got`]);
      if (Number(result?.rows[0]?.got) !== 1) {
        await jitteredPause(RETRY_MS);
        return;
      }
      this.#isHeard = true;
    }
    const before = performance.now();
    // The session may be another one than that which took the user lock.
    const isOurs = `IS_USED_LOCK('${this.#options.name}') <=> CONNECTION_ID()`;
    const [result] = await this.#lane.run([
      `SELECT ${isOurs} AS ours, IF(NOT (${isOurs}) OR ${this.#handed()}, 0, SLEEP(${SLEEP_S})) AS s`,
    ]);
    this.#isHeard = Number(result?.rows[0]?.ours) === 1;
    // Slept out: nothing happened. Sooner: rung (where that is no error), or something was there.
    if (performance.now() - before < SLEEP_S * 950) await this.#tell();
  }

  #handed(): string {
    const condition = this.#condition();
    return condition === null
      ? 'FALSE'
      : `EXISTS (SELECT 1 FROM ${this.#table()} WHERE ${condition})`;
  }

  /**
   * Tells who was handed the lease; a single one may as well ask by itself, which saves a question.
   */
  async #tell(): Promise<void> {
    if (this.#closed) return;
    if (this.#waiting.size === 1) {
      this.#hear([...this.#waiting.keys()]);
      return;
    }
    const condition = this.#condition();
    if (condition === null) {
      this.#hear([...this.#waiting.keys()]);
      return;
    }
    try {
      const [result] = await this.#lane.run([
        `SELECT owner FROM ${this.#table()} WHERE ${condition}`,
      ]);
      this.#hear((result?.rows ?? []).map((row) => text(row.owner)));
    } catch (error) {
      // Rung again: look again, by the statement that sleeps.
      if (!isInterruption(error)) throw error;
    }
  }

  #hear(owners: readonly string[]): void {
    for (const owner of owners) {
      // It asks again now; if it is refused, it is expected again.
      this.#waiting.delete(owner);
      if (this.#rung.size < REMEMBERED) this.#rung.add(owner);
      this.#options.hear({ kind: 'granted', owner });
    }
  }

  #condition(): string | null {
    if (this.#waiting.size === 0 || this.#waiting.size > LOOKED_FOR) return null;
    const owners = [...this.#waiting.keys()].map(bytes);
    const names = [...new Set([...this.#waiting.values()].map(({ name }) => name))].map(bytes);
    return `name IN (${names.join(', ')}) AND phase = 1 AND owner IN (${owners.join(', ')}) AND ends_at > ${BEGAN}`;
  }

  #table(): string {
    return quoted(this.#options.tables, this.#options.tables.locks);
  }

  #dropDead(): number {
    const now = performance.now();
    for (const [owner, { until }] of this.#waiting) {
      if (until <= now) this.#waiting.delete(owner);
    }
    return this.#waiting.size;
  }
}

/**
 * `ER_QUERY_INTERRUPTED`; also the limits on a statement's time (MariaDB, MySQL), which wake us
 * early.
 */
const INTERRUPTIONS = new Set([1317, 1969, 3024]);

function isInterruption(error: unknown): boolean {
  return INTERRUPTIONS.has(Number((error as { errno?: unknown } | null)?.errno));
}
