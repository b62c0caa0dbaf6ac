/**
 * The connection for commands, lent or our own. A lent one is used as it is: no listener is put on
 * it, no option of it is changed, and it is never closed.
 */
import { Cluster, Redis } from 'ioredis';
import {
  isCluster,
  rawCommands,
  type ClusterClient,
  type RawCommands,
  type SingleClient,
} from './redis-client.js';
import type { CheckedOptions, Where } from './redis-options.js';
import { Deadlines } from './deadlines.js';
import type { Script } from './scripts/index.js';
import { cleanCause, secretsIn } from './store-cause.js';

export interface ScriptCall {
  readonly script: Script;
  /** How many of the arguments are keys: the first ones. */
  readonly keys: number;
  readonly args: readonly (string | Buffer)[];
}

export class Connection {
  readonly client: SingleClient | ClusterClient;
  readonly isCluster: boolean;
  readonly #raw: RawCommands;
  readonly #lent: boolean;
  readonly #timeoutMs: number;
  readonly #secrets: readonly string[];
  readonly #deadlines: Deadlines;
  /**
   * The latest failure to connect: it says more than "too many retries". Our own client's alone.
   */
  #trouble: Error | null = null;

  constructor({ where, timeoutMs }: Pick<CheckedOptions, 'where' | 'timeoutMs'>) {
    this.#lent = where.kind === 'client';
    this.#timeoutMs = timeoutMs;
    this.#deadlines = new Deadlines(timeoutMs, () => this.shown(this.#late()));
    this.#secrets =
      where.kind === 'client'
        ? secretsIn(null, where.client.options)
        : secretsIn(where.kind === 'single' ? where.url : null, { ...where });
    this.client = where.kind === 'client' ? where.client : connectOwn(where);
    this.#raw = rawCommands(this.client);
    this.isCluster = isCluster(this.client);
    if (!this.#lent) {
      // Without a listener ioredis prints every failed try to connect.
      this.client.on('error', (error) => {
        this.#trouble = error;
      });
    }
  }

  /** A lazy client connects with its first command only if it may keep commands waiting. */
  async connect(): Promise<void> {
    if (this.client.status === 'wait') await this.bounded(this.client.connect());
  }

  /**
   * Runs one script on one set of keys. Callbacks, and one clock for all calls: a promise and a
   * timer for each layer would take a lonely call as long as the network does.
   * @param failed is told the cause, fit to be shown
   */
  run(
    { script, keys, args }: ScriptCall,
    answered: (reply: Buffer) => void,
    failed: (cause: Error) => void,
  ): void {
    const call = this.#deadlines.start(failed);
    const reply = (value: unknown): void => {
      if (!this.#deadlines.finish(call)) return;
      if (Buffer.isBuffer(value)) answered(value);
      else failed(new Error('the reply of a script is not what it should be'));
    };
    const fail = (error: unknown): void => {
      if (this.#deadlines.finish(call)) failed(this.shown(error));
    };
    this.#raw.evalshaBuffer(script.sha, keys, ...args).then(reply, (error: unknown) => {
      // Redis was restarted, or never saw this script: nothing was run, so it may be sent again.
      if (error instanceof Error && error.message.startsWith('NOSCRIPT')) {
        this.#raw.evalBuffer(script.source, keys, ...args).then(reply, fail);
      } else {
        fail(error);
      }
    });
  }

  /** The answer, or a failure, within the time of one call. @throws the cause, fit to be shown */
  bounded<T>(running: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(this.shown(this.#late()));
      }, this.#timeoutMs);
      running.then(
        (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        (error: unknown) => {
          clearTimeout(timer);
          reject(this.shown(error));
        },
      );
    });
  }

  /** A failure as it may be shown: why there is no connection, if that is why, and no secrets. */
  shown(error: unknown): Error {
    const away = this.client.status !== 'ready' && this.#trouble !== null;
    return cleanCause(away ? this.#trouble : error, this.#secrets);
  }

  /** What we are connected to takes no writes any more: ask anew where the master is. */
  reconnect(): void {
    if (!this.#lent && !this.isCluster) this.client.disconnect(true);
  }

  #late(): Error {
    return new Error(`no answer within ${this.#timeoutMs} ms`);
  }

  close(): void {
    if (!this.#lent) this.client.disconnect();
  }
}

/** How long a closed connection may keep the process alive. */
export const GOODBYE_MS = 200;

/**
 * Our own connection: fails fast while Redis is away, tries again for ever, for every call anew.
 */
function connectOwn(where: Exclude<Where, { kind: 'client' }>): SingleClient | ClusterClient {
  if (where.kind === 'cluster') {
    const { nodes, options } = where;
    return new Cluster([...nodes], {
      clusterRetryStrategy: backOff,
      ...options,
      lazyConnect: true,
      enableAutoPipelining: false,
    });
  }
  const options = {
    maxRetriesPerRequest: 1,
    retryStrategy: backOff,
    disconnectTimeout: GOODBYE_MS,
    ...where.options,
    // Sent twice by the client, a release would answer the second time that it was not ours. The
    // core asks again by itself, and knows that it did.
    autoResendUnfulfilledCommands: false,
    lazyConnect: true,
    enableAutoPipelining: false,
  };
  return where.url === null ? new Redis(options) : new Redis(where.url, options);
}

export function backOff(tries: number): number {
  return Math.min(50 * 2 ** Math.min(tries - 1, 10), 1_000);
}
