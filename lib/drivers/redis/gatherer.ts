/**
 * Gathers the requests for one verb that are made in one tick of the event loop, and sends them as
 * one script call (on a cluster: one a bucket). A lonely request goes out in the same tick.
 */
import { LockStoreError } from '../../core/lock-errors.js';
import type { Bucket, Buckets } from './buckets.js';
import type { Connection } from './connection.js';
import { Packer, Unpacker } from './packing.js';
import { RequestFailure, type Verb } from './verbs.js';
import type { Script } from './scripts/index.js';

export interface GathererOptions<Request, Answer> {
  readonly verb: Verb<Request, Answer>;
  readonly script: Script;
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

  #sendInParts(bucket: Bucket, asked: Asked<Request, Answer>[], most: number): void {
    if (asked.length <= most) {
      this.#send(bucket, asked);
      return;
    }
    for (let at = 0; at < asked.length; at += most) this.#send(bucket, asked.slice(at, at + most));
  }

  #send({ locks, clock }: Bucket, part: readonly Asked<Request, Answer>[]): void {
    const { verb, script, buckets, connection } = this.#options;
    for (const { request } of part) verb.pack(packer, request);
    const requests = packer.take();
    const keys = [locks, clock];
    if (buckets.many) for (const { request } of part) keys.push(locks + request.name);
    connection.run(
      { script, keys, requests },
      (reply) => {
        this.#answer(part, reply);
      },
      (error) => {
        this.#fail(part, error);
      },
    );
  }

  #answer(part: readonly Asked<Request, Answer>[], reply: Buffer): void {
    const { verb, connection } = this.#options;
    let done = 0;
    try {
      const answers = new Unpacker(reply);
      const time = answers.number();
      for (const { request, resolve, reject } of part) {
        try {
          resolve(verb.unpack(answers, time, request));
        } catch (error) {
          if (!(error instanceof RequestFailure)) throw error;
          reject(new LockStoreError(request.name, verb.action, error));
          if (error.message.startsWith('READONLY')) connection.reconnect();
        }
        done += 1;
      }
    } catch (error) {
      // Not a reply of ours: nothing after this place can be believed.
      this.#fail(part.slice(done), error);
    }
  }

  #fail(part: readonly Asked<Request, Answer>[], error: unknown): void {
    for (const { request, reject } of part) {
      reject(new LockStoreError(request.name, this.#options.verb.action, error));
    }
  }
}
