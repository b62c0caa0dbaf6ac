/**
 * PostgreSQL's push: one connection a process that LISTENs. It proves itself by a message to itself
 * through the pool, because behind a pooler in transaction mode LISTEN succeeds and hears nothing;
 * it is then given up, and the line is paced by reading.
 *
 *     closed ◄── close ── deaf ──► (every minute) ──► connecting ──► listening
 *                          ▲                             ▲   │           │
 *                          └── not heard ────────────────┼───┘  lost     │
 *                                                        └───────────────┘
 */
import type { Wake } from '../../../core/lock-driver.js';
import type { PgClient, PgPool } from './postgres-client.js';

export interface ListenerOptions {
  /** Of the data source at the time; asked for anew for each connection. */
  readonly pool: () => PgPool;
  /** Where hand-overs to this process are told. Plain characters. */
  readonly channel: string;
  /** Where changes of watched names are told; listened to once anybody here watches. */
  readonly changes: string;
  readonly hear: (wake: Wake) => void;
}

const SELF_TEST_MS = 3_000;
const HEARTBEAT_MS = 10_000;
const DEAF_RETRY_MS = 60_000;
const LONGEST_PAUSE_MS = 5_000;
const HELLO = 'hello';

export class PostgresListener {
  readonly #options: ListenerOptions;
  #client: PgClient | null = null;
  #listening = false;
  #watching = false;
  #closed = false;
  #timer: NodeJS.Timeout | null = null;
  #heardHello: () => void = () => undefined;
  #failures = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Whether a hand-over would be heard now. */
  get listening(): boolean {
    return this.#listening;
  }

  /** Settles when the first try has come to something, good or bad; never rejects. */
  async start(): Promise<void> {
    await this.#connect();
  }

  /** From now on, changes of watched names are heard, too. */
  async watch(): Promise<void> {
    if (this.#watching) return;
    this.#watching = true;
    await this.#client?.query({ text: `LISTEN "${this.#options.changes}"` });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listening = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = null;
    this.#heardHello();
    await client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const { pool, channel, changes } = this.#options;
    let client: PgClient | null = null;
    try {
      const { Client, options } = pool();
      // `keepAlive` ends a connection that was cut silently; the heartbeat notices sooner.
      client = new Client({ ...options, keepAlive: true });
      this.#client = client;
      const mine = client;
      client.on('error', () => {
        this.#lost(mine);
      });
      client.on('end', () => {
        this.#lost(mine);
      });
      client.on('notification', ({ channel: on, payload = '' }) => {
        this.#notified(on, payload);
      });
      await client.connect();
      await client.query({ text: `LISTEN "${channel}"` });
      if (this.#watching) await client.query({ text: `LISTEN "${changes}"` });
      const heard = await this.#hearsItself();
      if (this.#isOver(client)) return;
      if (!heard) {
        this.#drop(client);
        this.#later(DEAF_RETRY_MS);
        return;
      }
      this.#listening = true;
      this.#failures = 0;
      this.#beat(client);
    } catch {
      // The store is down: the verbs say so to who asks. Here it only means: try again.
      if (client !== null && !this.#isOver(client)) this.#lost(client);
      else if (client === null && !this.#closed) this.#later(LONGEST_PAUSE_MS);
    }
  }

  /** Through the pool: what a hand-over by somebody else would be. */
  async #hearsItself(): Promise<boolean> {
    const { pool, channel } = this.#options;
    const heard = new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, SELF_TEST_MS, false);
      this.#heardHello = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    await pool().query({ text: 'SELECT pg_notify($1, $2)', values: [channel, HELLO] });
    return heard;
  }

  #notified(channel: string, payload: string): void {
    if (payload === HELLO) {
      this.#heardHello();
      return;
    }
    const value = Buffer.from(payload, 'hex').toString('utf8');
    if (channel === this.#options.channel) this.#options.hear({ kind: 'granted', owner: value });
    else this.#options.hear({ kind: 'changed', name: value });
  }

  #lost(client: PgClient): void {
    if (this.#isOver(client)) return;
    this.#drop(client);
    const pauseMs = Math.min(LONGEST_PAUSE_MS, 50 * 2 ** this.#failures) * (0.5 + Math.random());
    this.#failures = Math.min(this.#failures + 1, 10);
    this.#later(pauseMs);
  }

  #drop(client: PgClient): void {
    this.#client = null;
    this.#listening = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    void client.end().catch(() => undefined);
    // Who waits asks again now, and again soon, instead of trusting a push that will not come.
    this.#options.hear({ kind: 'missed' });
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => {
      void this.#connect().then(() => {
        if (this.#listening) this.#options.hear({ kind: 'missed' });
      });
    }, ms);
    this.#timer.unref();
  }

  /** A connection cut without a word is noticed by a question that is not answered. */
  #beat(client: PgClient): void {
    this.#timer = setTimeout(() => {
      const deadline = setTimeout(() => {
        this.#lost(client);
      }, HEARTBEAT_MS);
      deadline.unref();
      client.query({ text: '' }).then(
        () => {
          clearTimeout(deadline);
          if (!this.#isOver(client)) this.#beat(client);
        },
        () => {
          clearTimeout(deadline);
          this.#lost(client);
        },
      );
    }, HEARTBEAT_MS);
    this.#timer.unref();
  }

  #isOver(client: PgClient): boolean {
    return this.#closed || this.#client !== client;
  }
}
