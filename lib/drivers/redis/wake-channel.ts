/**
 * This process's ear: one connection, subscribed to the process's own channel. When it breaks, a
 * new one is made, and whoever waits hears that pushes may have been missed.
 */
import type { Wake } from '../../core/lock-driver.js';
import { backOff, GOODBYE_MS } from './connection.js';
import { isCluster, type ClusterClient, type SingleClient } from './redis-client.js';

export interface WakeChannelOptions {
  /** The connection for commands; ours is made like it, or like one of its nodes'. */
  readonly client: SingleClient | ClusterClient;
  readonly channel: string;
  readonly hear: (wake: Wake) => void;
}

export class WakeChannel {
  readonly #options: WakeChannelOptions;
  #subscriber: SingleClient | null = null;
  #retry: NodeJS.Timeout | null = null;
  #failures = 0;
  #closed = false;

  constructor(options: WakeChannelOptions) {
    this.#options = options;
  }

  /** Resolves when the channel is open for the first time, rejects if that fails. */
  async open(): Promise<void> {
    await this.#subscribe();
  }

  close(): void {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#subscriber?.disconnect();
  }

  async #subscribe(): Promise<void> {
    const subscriber = this.#connectionLike();
    this.#subscriber = subscriber;
    let trouble: unknown = null;
    subscriber.on('error', (error) => {
      trouble = error;
    });
    subscriber.on('message', (_channel, message) => {
      this.#tell(message);
    });
    try {
      await subscriber.connect();
      await subscriber.subscribe(this.#options.channel);
    } catch (error) {
      subscriber.disconnect();
      throw trouble ?? error;
    }
    this.#failures = 0;
    subscriber.on('end', () => {
      this.#later();
    });
    // It may have ended between the answer and the listener.
    if (subscriber.status === 'end') this.#later();
  }

  #later(): void {
    if (this.#closed || this.#retry !== null) return;
    this.#failures += 1;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#subscribe().then(
        () => {
          this.#options.hear({ kind: 'missed' });
        },
        () => {
          this.#later();
        },
      );
    }, backOff(this.#failures));
    this.#retry.unref();
  }

  #tell(message: string): void {
    const text = message.slice(1);
    if (message.startsWith('g')) this.#options.hear({ kind: 'granted', owner: text });
    else if (message.startsWith('c')) this.#options.hear({ kind: 'changed', name: text });
  }

  /** Each try is a connection of its own: on a cluster, to whichever node is there. */
  #connectionLike(): SingleClient {
    const { client } = this.#options;
    const like = isCluster(client) ? pick(client.nodes('master')) : client;
    if (like === undefined) throw new Error('no node of the cluster is known');
    return like.duplicate({
      ...{ lazyConnect: true, autoResubscribe: false, enableOfflineQueue: true, readOnly: false },
      ...{ retryStrategy: null, reconnectOnError: null, maxRetriesPerRequest: null },
      ...{ disconnectTimeout: GOODBYE_MS },
      ...{ commandTimeout: undefined, monitor: false, enableAutoPipelining: false },
    });
  }
}

function pick<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(Math.random() * items.length)];
}
