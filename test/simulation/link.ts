/**
 * The way from one process to the store and back: a driver whose calls take time, get lost, come
 * late, are applied twice, or are never answered, as the weather has it.
 */
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
} from '../../lib/core/lock-driver.js';
import type { LockState } from '../../lib/core/lease.js';
import type { Client } from './client.js';
import { show } from './ledger.js';
import type { World } from './world.js';

export class Link implements LockDriver {
  readonly storeName = 'simulated';
  /** Requests that went out, for rules about silence. */
  calls = 0;
  readonly #world: World;
  readonly #client: Client;
  readonly #store: LockDriver;
  #closed = false;

  constructor(world: World, client: Client) {
    this.#world = world;
    this.#client = client;
    this.#store = world.core.memoryLocks({ store: world.store });
  }

  open(process: string): Promise<void> {
    return this.#call('open', async () => {
      await this.#store.open(process);
      this.#world.listening.add(process);
    });
  }

  acquire(request: AcquireRequest): Promise<AcquireAnswer> {
    const what = () => `acquire ${request.name} as ${request.owner}, ${request.line}`;
    return this.#call(what, async () => {
      const answer = await this.#store.acquire(request);
      this.#world.ledger.acquired(request, answer);
      return answer;
    });
  }

  renew(requests: readonly RenewRequest[]): Promise<readonly boolean[]> {
    const what = () => `renew ${requests.map(({ owner }) => owner).join(' ')}`;
    return this.#call(what, async () => {
      const answers = await this.#store.renew(requests);
      this.#world.ledger.renewed(requests, answers);
      return answers;
    });
  }

  release(request: ReleaseRequest): Promise<ReleaseAnswer> {
    const what = () => {
      const rejoin = request.rejoin === null ? '' : `, rejoin as ${request.rejoin.owner}`;
      return `release ${request.name} of ${request.owner}${rejoin}`;
    };
    return this.#call(what, async () => {
      const answer = await this.#store.release(request);
      this.#world.ledger.released(request, answer);
      return answer;
    });
  }

  leave(name: string, owner: string): Promise<void> {
    return this.#call(`leave ${name} as ${owner}`, async () => {
      await this.#store.leave(name, owner);
      this.#world.ledger.left(name, owner);
    });
  }

  inspect(name: string): Promise<LockState> {
    return this.#call(`inspect ${name}`, () => this.#store.inspect(name));
  }

  list(query: ListQuery): Promise<readonly LockState[]> {
    return this.#call('list', () => this.#store.list(query));
  }

  watch(name: string): Promise<WatchAnswer> {
    return this.#call(`watch ${name}`, () => this.#store.watch(name));
  }

  forceRelease(name: string): Promise<boolean> {
    return this.#call(`force ${name}`, async () => {
      this.#world.ledger.forced(name);
      return this.#store.forceRelease(name);
    });
  }

  onWake(listener: (wake: Wake) => void): void {
    this.#store.onWake((wake) => {
      const { random, plan, stormy } = this.#world;
      if (stormy && random.chance(plan.weather.lostPush)) return;
      this.#client.later(this.#delay(), 'io', () => {
        this.#world.log(this.#client.process, () => `hears ${show(wake)}`);
        listener(wake);
      });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.disconnect();
    return Promise.resolve();
  }

  /** The store notices that this process is gone. */
  disconnect(): void {
    this.#world.listening.delete(this.#client.process);
    void this.#store.close();
  }

  #call<T>(what: string | (() => string), apply: () => Promise<T>): Promise<T> {
    const { world, client } = { world: this.#world, client: this.#client };
    if (this.#closed) return Promise.reject(new Error('the connection is closed'));
    this.calls += 1;
    const { random, plan, stormy, timeline } = world;
    const { weather } = plan;
    const number = world.nextCall();
    world.log(client.process, () => `#${number} ${name(what)}`);
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        if (random.chance(weather.silence)) return;
        client.later(this.#delay() + random.between(0, 100), 'io', () => {
          world.log(client.process, () => `#${number} fails: ${why}`);
          reject(new Error(why));
        });
      };
      const arrive = (times: number): void => {
        if (world.storeDown) {
          fail('ECONNREFUSED');
          return;
        }
        apply().then(
          (answer) => {
            world.log('store', () => `#${number} ${name(what)} → ${show(answer) ?? 'done'}`);
            if (times > 1) {
              timeline.schedule(timeline.now + random.between(0, 500), () => {
                arrive(times - 1);
              });
            } else if (stormy && random.chance(weather.lostReply)) {
              fail('ECONNRESET');
            } else {
              client.later(this.#delay(), 'io', () => {
                world.log(client.process, () => `#${number} is answered`);
                resolve(answer);
              });
            }
          },
          (error: Error) => {
            client.later(this.#delay(), 'io', () => {
              reject(error);
            });
          },
        );
      };
      const isResent = stormy && random.chance(weather.resent);
      if (stormy && random.chance(weather.lostRequest)) fail('ETIMEDOUT');
      else timeline.schedule(timeline.now + this.#delay(), () => arrive(isResent ? 2 : 1));
    });
  }

  #delay(): number {
    const { random, plan, stormy } = this.#world;
    const late = stormy && random.chance(plan.weather.late);
    return random.between(0.2, late ? plan.weather.lateMs : plan.delayMs);
  }
}

function name(what: string | (() => string)): string {
  return typeof what === 'string' ? what : what();
}
