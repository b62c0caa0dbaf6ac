/** One process at a driver, for the specs of Redis: short words for the verbs. */
import type {
  AcquireAnswer,
  Granted,
  LockDriver,
  ReleaseAnswer,
  Wake,
} from '../../lib/core/lock-driver.js';
import { redisLocks, type RedisLocksOptions } from '../../lib/drivers/redis/index.js';

let processes = 0;

export class TestProcess {
  readonly wakes: Wake[] = [];
  readonly id: string;
  #owners = 0;

  private constructor(readonly driver: LockDriver) {
    processes += 1;
    this.id = `test:${process.pid}:${processes}`;
    driver.onWake((wake) => this.wakes.push(wake));
  }

  static async open(options: RedisLocksOptions): Promise<TestProcess> {
    const opened = TestProcess.closed(options);
    await opened.driver.open(opened.id);
    return opened;
  }

  static closed(options: RedisLocksOptions): TestProcess {
    return new TestProcess(redisLocks(options));
  }

  owner(): string {
    this.#owners += 1;
    return `${this.id}:${this.#owners}`;
  }

  acquire(
    name: string,
    { owner = this.owner(), ttlMs = 30_000, join = false, tokens = 1 } = {},
  ): Promise<AcquireAnswer & { readonly by: string }> {
    const line = join ? 'join' : 'none';
    return this.driver
      .acquire({ name, owner, ttlMs, line, tokens, atMostMs: null, note: null })
      .then((answer) => ({ ...answer, by: owner }));
  }

  async take(
    name: string,
    options?: Parameters<TestProcess['acquire']>[1],
  ): Promise<Granted & { readonly by: string }> {
    const answer = await this.acquire(name, options);
    if (!answer.granted) throw new Error(`${name} was not granted: ${JSON.stringify(answer)}`);
    return answer;
  }

  release(name: string, owner: string, token = 1): Promise<ReleaseAnswer> {
    return this.driver.release({ name, owner, token, error: null, atLeastMs: 0, rejoin: null });
  }

  async renews(name: string, owner: string): Promise<boolean> {
    const [renewed] = await this.driver.renew([{ name, owner, ttlMs: 30_000, atMostMs: null }]);
    return renewed === true;
  }
}

/** How often each command was called since the last `CONFIG RESETSTAT`. */
export function commandCounts(info: string): Readonly<Record<string, number>> {
  const lines = [...info.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)];
  return Object.fromEntries(lines.map(([, command, calls]) => [command, Number(calls)]));
}
