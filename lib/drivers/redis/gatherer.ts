/**
 * Gathers the requests for one verb that are made in one tick of the event loop, and sends them as
 * one script call (on a cluster: one a bucket). A lonely request goes out in the same tick.
 */
import { LockStoreError } from '../../core/lock-errors.js';
import type { Buckets } from './buckets.js';
import { Packer, Unpacker } from './packing.js';
import { RequestFailure, type Verb } from './verbs.js';
import type { Script } from './scripts/index.js';

export interface ScriptCall {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly requests: Buffer;
}

export interface GathererOptions<Request, Answer> {
  readonly verb: Verb<Request, Answer>;
  readonly buckets: Buckets;
  /** Sends one call; may reject with anything. */
  readonly send: (call: ScriptCall) => Promise<Buffer>;
  /** Hears of a request that went wrong inside a script. */
  readonly failed: (failure: RequestFailure) => void;
}

interface Asked<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: LockStoreError) => void;
}

const packer = new Packer();

export class Gatherer<Request extends { readonly name: string }, Answer> {
  readonly #verb: Verb<Request, Answer>;
  readonly #buckets: Buckets;
  readonly #send: (call: ScriptCall) => Promise<Buffer>;
  readonly #failed: (failure: RequestFailure) => void;
  #asked: Asked<Request, Answer>[] = [];

  constructor({ verb, buckets, send, failed }: GathererOptions<Request, Answer>) {
    this.#verb = verb;
    this.#buckets = buckets;
    this.#send = send;
    this.#failed = failed;
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
    for (const part of this.#split(asked)) {
      this.#send(this.#call(part)).then(
        (reply) => {
          this.#answer(part, reply);
        },
        (error: unknown) => {
          this.#fail(part, error);
        },
      );
    }
  };

  /** Into parts of one bucket each, and not too many requests for one call. */
  #split(asked: Asked<Request, Answer>[]): Asked<Request, Answer>[][] {
    const { most } = this.#verb;
    if (!this.#buckets.many) return asked.length <= most ? [asked] : slices(asked, most);
    const byBucket = new Map<string, Asked<Request, Answer>[]>();
    for (const one of asked) {
      const key = this.#buckets.clockKey(one.request.name);
      const part = byBucket.get(key);
      if (part === undefined) byBucket.set(key, [one]);
      else part.push(one);
    }
    return [...byBucket.values()].flatMap((part) => slices(part, most));
  }

  #call(part: readonly Asked<Request, Answer>[]): ScriptCall {
    const { script } = this.#verb;
    for (const { request } of part) this.#verb.pack(packer, request);
    const requests = packer.take();
    const clock = this.#buckets.clockKey(part[0]?.request.name ?? '');
    if (!this.#buckets.many) return { script, keys: [clock], requests };
    const keys = [clock, ...part.map(({ request }) => this.#buckets.lockKey(request.name))];
    return { script, keys, requests };
  }

  #answer(part: readonly Asked<Request, Answer>[], reply: Buffer): void {
    let done = 0;
    try {
      const answers = new Unpacker(reply);
      const time = answers.number();
      for (const { request, resolve, reject } of part) {
        try {
          resolve(this.#verb.unpack(answers, time, request));
        } catch (error) {
          if (!(error instanceof RequestFailure)) throw error;
          reject(new LockStoreError(request.name, this.#verb.action, error));
          this.#failed(error);
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
      reject(new LockStoreError(request.name, this.#verb.action, error));
    }
  }
}

function slices<T>(items: readonly T[], most: number): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += most) parts.push(items.slice(at, at + most));
  return parts;
}
