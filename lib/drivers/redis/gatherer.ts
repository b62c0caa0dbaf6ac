/**
 * Gathers the requests for one verb that are made in one tick of the event loop, and sends them as
 * one script call (on a cluster: one a bucket). A lonely request goes out in the same tick.
 */
import { LockStoreError } from '../../core/lock-errors.js';
import type { Bucket, Buckets } from './buckets.js';
import type { Connection, ScriptCall } from './connection.js';
import { Packer, Unpacker } from './packing.js';
import { RequestFailure, type Verb } from './verbs.js';
import type { Scripts } from './scripts/index.js';

export interface GathererOptions<Request, Answer> {
  readonly verb: Verb<Request, Answer>;
  readonly scripts: Scripts;
  readonly buckets: Buckets;
  readonly connection: Connection;
}

interface Asked<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: LockStoreError) => void;
}

const packer = new Packer();

export class Gatherer<Request extends { readonly name: string }, Answer> {
  readonly #options: GathererOptions<Request, Answer>;
  #asked: Asked<Request, Answer>[] = [];

  constructor(options: GathererOptions<Request, Answer>) {
    this.#options = options;
  }

  /** @throws LockStoreError as the rejection */
  ask(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      // After the promise jobs of this tick, which is when those asked together have all asked.
      if (this.#asked.push({ request, resolve, reject }) === 1) process.nextTick(this.#flush);
    });
  }

  readonly #flush = (): void => {
    const asked = this.#asked;
    this.#asked = [];
    const { buckets, verb } = this.#options;
    if (!buckets.many) {
      this.#sendInParts(buckets.of(''), asked, verb.most);
      return;
    }
    const byBucket = new Map<Bucket, Asked<Request, Answer>[]>();
    for (const one of asked) {
      const bucket = buckets.of(one.request.name);
      const part = byBucket.get(bucket);
      if (part === undefined) byBucket.set(bucket, [one]);
      else part.push(one);
    }
    for (const [bucket, part] of byBucket) this.#sendInParts(bucket, part, verb.most);
  };

  /** Parts of one size, so that Redis works on one while this process packs the next. */
  #sendInParts(bucket: Bucket, asked: Asked<Request, Answer>[], most: number): void {
    if (asked.length <= most) {
      this.#send(bucket, asked);
      return;
    }
    const size = Math.ceil(asked.length / Math.ceil(asked.length / most));
    for (let at = 0; at < asked.length; at += size) this.#send(bucket, asked.slice(at, at + size));
  }

  #send(bucket: Bucket, part: readonly Asked<Request, Answer>[]): void {
    this.#options.connection.run(
      this.#callFor(bucket, part),
      (reply) => {
        this.#answer(part, reply);
      },
      (error) => {
        this.#fail(part, error);
      },
    );
  }

  #callFor({ locks, clock }: Bucket, part: readonly Asked<Request, Answer>[]): ScriptCall {
    const { verb, scripts, buckets } = this.#options;
    const args: (string | Buffer)[] = [locks, clock];
    if (buckets.many) for (const { request } of part) args.push(locks + request.name);
    const keys = args.length;
    const [first] = part;
    if (scripts.one !== null && part.length === 1 && first !== undefined) {
      const fields = verb.spell?.(first.request) ?? null;
      if (fields !== null) return { script: scripts.one, keys, args: args.concat(fields) };
    }
    for (const { request } of part) verb.pack(packer, request);
    args.push(packer.take());
    return { script: scripts.many, keys, args };
  }

  #answer(part: readonly Asked<Request, Answer>[], reply: Buffer): void {
    const { verb } = this.#options;
    let done = 0;
    try {
      const answers = new Unpacker(reply);
      for (const one of part) {
        try {
          one.resolve(verb.unpack(answers, one.request));
        } catch (error) {
          if (!(error instanceof RequestFailure)) throw error;
          this.#fail([one], error);
        }
        done += 1;
      }
    } catch (error) {
      // Not a reply of ours: nothing after this place can be believed.
      this.#fail(part.slice(done), error);
    }
  }

  #fail(part: readonly Asked<Request, Answer>[], error: unknown): void {
    const { verb, connection } = this.#options;
    for (const { request, reject } of part) {
      reject(new LockStoreError(request.name, verb.action, error));
    }
    if (error instanceof Error && error.message.startsWith('READONLY')) connection.reconnect();
  }
}
