/**
 * The contract on Redis. What a verb does is in its script, how requests travel is in the gatherer;
 * here is what belongs to the process: its connections, its channel, its layout of keys.
 */
import type { LockState } from '../../core/lease.js';
import type {
  AcquireAnswer,
  AcquireRequest,
  ListQuery,
  LockDriver,
  ReleaseAnswer,
  ReleaseRequest,
  RenewRequest,
  Wake,
  WatchAnswer,
} from '../../core/lock-driver.js';
import { LockStoreError } from '../../core/lock-errors.js';
import { Connection } from './connection.js';
import { findNames } from './find-names.js';
import { layout } from './buckets.js';
import type { CheckedOptions } from './redis-options.js';
import { Session } from './session.js';
import { WakeChannel } from './wake-channel.js';

const LISTED_AT_ONCE = 500;

export class RedisDriver implements LockDriver {
  readonly storeName = 'Redis';
  readonly #options: CheckedOptions;
  #connection: Connection | null = null;
  #channel: WakeChannel | null = null;
  #opening: Promise<void> | null = null;
  #session: Session | null = null;
  #closed = false;
  #hear: (wake: Wake) => void = () => undefined;

  constructor(options: CheckedOptions) {
    this.#options = options;
  }

  open(process: string): Promise<void> {
    if (this.#closed) return this.#refuse('', 'opened');
    this.#opening ??= this.#start(process).catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  acquire(request: AcquireRequest): Promise<AcquireAnswer> {
    const session = this.#session;
    if (session === null) return this.#refuse(request.name, 'acquired');
    return session.acquire.ask(request);
  }

  release(request: ReleaseRequest): Promise<ReleaseAnswer> {
    const session = this.#session;
    if (session === null) return this.#refuse(request.name, 'released');
    return session.release.ask(request);
  }

  renew(requests: readonly RenewRequest[]): Promise<readonly boolean[]> {
    const session = this.#session;
    if (session === null) return this.#refuse(requests[0]?.name ?? '', 'renewed');
    return Promise.all(requests.map((request) => session.renew.ask(request)));
  }

  leave(name: string, owner: string): Promise<void> {
    return this.#session?.leave.ask({ name, owner }) ?? this.#refuse(name, 'left');
  }

  inspect(name: string): Promise<LockState> {
    return this.#session?.inspect.ask({ name }) ?? this.#refuse(name, 'inspected');
  }

  watch(name: string): Promise<WatchAnswer> {
    const session = this.#session;
    if (session === null) return this.#refuse(name, 'watched');
    return session.watch.ask({ name, process: session.process });
  }

  forceRelease(name: string): Promise<boolean> {
    return this.#session?.force.ask({ name }) ?? this.#refuse(name, 'forced free');
  }

  async list({ prefix, limit }: ListQuery): Promise<readonly LockState[]> {
    const session = this.#session;
    const connection = this.#connection;
    if (session === null || connection === null) return this.#refuse('', 'listed');
    const found: LockState[] = [];
    const names = await findNames(connection, session.buckets, prefix).catch((error: unknown) => {
      throw new LockStoreError('', 'listed', error);
    });
    for (let at = 0; at < names.length && found.length < limit; at += LISTED_AT_ONCE) {
      const some = names.slice(at, at + LISTED_AT_ONCE);
      const states = await Promise.all(some.map((name) => session.inspect.ask({ name })));
      found.push(...states.filter(({ phase, waiting }) => phase !== 'free' || waiting > 0));
    }
    return found.slice(0, limit);
  }

  onWake(listener: (wake: Wake) => void): void {
    this.#hear = listener;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#session = null;
    this.#channel?.close();
    this.#connection?.close();
    return Promise.resolve();
  }

  async #start(process: string): Promise<void> {
    this.#connection ??= new Connection(this.#options);
    const connection = this.#connection;
    const { namespace } = this.#options;
    const channels = `${namespace}:wake:`;
    const channel = new WakeChannel({
      client: connection.client,
      channel: channels + process,
      hear: (wake) => {
        this.#hear(wake);
      },
    });
    try {
      await connection.connect();
      const buckets = await layout(connection, namespace);
      await connection.bounded(channel.open());
      if (this.#closed) throw new Error('the driver was closed meanwhile');
      this.#channel = channel;
      this.#session = new Session(connection, buckets, process, {
        keepEndingsMs: this.#options.keepEndingsMs,
        channels,
        // A node of a cluster counts its own subscribers alone.
        countsListeners: !connection.isCluster,
      });
    } catch (error) {
      channel.close();
      throw new LockStoreError('', 'opened', error);
    }
  }

  #refuse(name: string, action: string): Promise<never> {
    const why = this.#closed ? 'the driver is closed' : 'the driver is not open';
    return Promise.reject(new LockStoreError(name, action, new Error(why)));
  }
}
