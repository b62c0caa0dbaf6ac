/**
 * Stands between a client and any store, and does to the connection what networks do: cuts it after
 * a command was applied and before its reply, loses, delays, swallows, refuses.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Cut {
  /** Which message from the client is meant: one that contains this, as it is or in hexadecimal. */
  readonly pattern: string;
  /** The how-manieth of them; by default the first. */
  readonly nth?: number;
  /**
   * `reply`: the store gets it, the client does not get the answer, and the connection breaks.
   * `request`: the store never gets it, and the connection breaks.
   */
  readonly of: 'reply' | 'request';
}

export class FaultProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #server: Server | null = null;
  #port = 0;
  #cut: (Cut & { patterns: string[]; left: number; done: () => void }) | null = null;
  #swallowing = false;
  #delayMs = 0;

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
  }

  get port(): number {
    return this.#port;
  }

  /** Opens it, or opens it again on the same port after `refuse`. */
  async open(): Promise<void> {
    const server = createServer((client) => {
      this.#join(client);
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as { readonly port: number }).port;
    this.#server = server;
  }

  /** Breaks all connections, and refuses new ones until `open`. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = once(server, 'close');
    server.close();
    this.breakAll();
    await closed;
  }

  /** Breaks all connections; new ones are welcome. */
  breakAll(): void {
    for (const [client, store] of this.#pairs) {
      client.destroy();
      store.destroy();
    }
  }

  /** Half-open: accepts everything and answers nothing, until `heal`. */
  swallow(): void {
    this.#swallowing = true;
  }

  /** Every message takes this much longer, each way, until `heal`. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** New messages pass again; what was swallowed is lost, and its connections break. */
  heal(): void {
    const swallowed = this.#swallowing;
    this.#swallowing = false;
    this.#delayMs = 0;
    if (swallowed) this.breakAll();
  }

  /** Arms one cut; resolves when it has happened. */
  cut(cut: Cut): Promise<void> {
    return new Promise((resolve) => {
      const hex = Buffer.from(cut.pattern).toString('hex');
      const patterns = [cut.pattern, hex, hex.toUpperCase()];
      this.#cut = { ...cut, patterns, left: cut.nth ?? 1, done: resolve };
    });
  }

  #join(client: Socket): void {
    const store = connect(this.#target);
    const pair = [client, store] as const;
    let mute = false;
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      store.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    client.on('data', (data) => {
      const cut = this.#due(data);
      if (cut === 'request') {
        end();
        return;
      }
      if (cut === 'reply') mute = true;
      this.#pass(data, store);
    });
    store.on('data', (data) => {
      if (mute) end();
      else this.#pass(data, client);
    });
  }

  #due(data: Buffer): Cut['of'] | null {
    const cut = this.#cut;
    if (cut === null) return null;
    if (!cut.patterns.some((pattern) => data.includes(pattern))) return null;
    cut.left -= 1;
    if (cut.left > 0) return null;
    this.#cut = null;
    cut.done();
    return cut.of;
  }

  #pass(data: Buffer, to: Socket): void {
    if (this.#swallowing) return;
    if (this.#delayMs === 0) {
      to.write(data);
      return;
    }
    setTimeout(() => {
      if (to.writable) to.write(data);
    }, this.#delayMs);
  }
}
