/**
 * Who acts in a rule: processes, each with a driver of its own, and callers, each one owner who
 * wants one name. A caller's verbs are the contract's, with plain values for what a rule does not
 * care for.
 */
import assert from 'node:assert/strict';
import type {
  AcquireAnswer,
  AcquireRequest,
  Granted,
  LockDriver,
  Refused,
  ReleaseAnswer,
  ReleaseRequest,
  RenewRequest,
  Wake,
} from '../core/lock-driver.js';
import { Alarm } from './waiting.js';

/** Long enough that nothing runs out by accident, on a noisy machine. */
export const LONG_MS = 60_000;

/** Wakes that a process remembers: more than a rule looks back at. */
const KEPT_WAKES = 500;

/** A process as the store sees it. Rules that run side by side share it: owners keep them apart. */
export class Process {
  wakes: readonly Wake[] = [];
  #owners = 0;
  readonly #listeners = new Set<(wake: Wake) => void>();

  constructor(
    readonly driver: LockDriver,
    readonly address: string,
  ) {
    driver.onWake((wake) => {
      this.wakes = [...this.wakes.slice(-KEPT_WAKES), wake];
      for (const listener of this.#listeners) listener(wake);
    });
  }

  /** An owner that nobody had before. */
  newOwner(): string {
    this.#owners += 1;
    return `${this.address}:${this.#owners}`;
  }

  /** Forgets that it heard of changes of this name. */
  forget(name: string): void {
    this.wakes = this.wakes.filter((wake) => wake.kind !== 'changed' || wake.name !== name);
  }

  hear(listener: (wake: Wake) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** One owner who wants one name. */
export class Caller {
  readonly owner: string;
  /** What it was last granted. */
  grant: Granted | null = null;

  constructor(
    readonly process: Process,
    readonly name: string,
  ) {
    this.owner = process.newOwner();
  }

  get driver(): LockDriver {
    return this.process.driver;
  }

  /** The token that it was last granted. */
  get token(): number {
    assert.ok(this.grant, `${this.owner} was granted nothing yet`);
    return this.grant.token;
  }

  request(over: Partial<AcquireRequest> = {}): AcquireRequest {
    const { name, owner } = this;
    return {
      ...{ name, owner, ttlMs: LONG_MS, line: 'none', tokens: 1, atMostMs: null, note: null },
      ...over,
    };
  }

  async asks(over: Partial<AcquireRequest> = {}): Promise<AcquireAnswer> {
    const answer = await this.driver.acquire(this.request(over));
    if (answer.granted) this.grant = answer;
    return answer;
  }

  /** Asks, and must be granted. */
  async takes(over: Partial<AcquireRequest> = {}): Promise<Granted> {
    const answer = await this.asks(over);
    assert.ok(answer.granted, `${this.owner} is granted the lease; got ${show(answer)}`);
    return answer;
  }

  /** Asks, and must be refused. */
  async isRefused(over: Partial<AcquireRequest> = {}): Promise<Refused> {
    const answer = await this.asks(over);
    assert.ok(!answer.granted, `${this.owner} is refused; got ${show(answer)}`);
    return answer;
  }

  /** Asks, must be refused, and stands in the line from now on. */
  joins(over: Partial<AcquireRequest> = {}): Promise<Refused> {
    return this.isRefused({ line: 'join', ...over });
  }

  /** Asks as the core does, again when told or after `retryInMs`, until granted. */
  async waits(over: Partial<AcquireRequest> = {}, withinMs = 30_000): Promise<Granted> {
    const giveUp = performance.now() + withinMs;
    for (;;) {
      const alarm = new Alarm();
      const deafen = this.process.hear((wake) => {
        const forUs = wake.kind === 'granted' && wake.owner === this.owner;
        if (forUs || wake.kind === 'missed') alarm.ring();
      });
      try {
        const answer = await this.asks({ line: 'join', ...over });
        if (answer.granted) return answer;
        assert.ok(
          performance.now() < giveUp,
          `${this.owner} is granted the lease within ${withinMs} ms; got ${show(answer)}`,
        );
        await alarm.sleep(answer.retryInMs);
      } finally {
        deafen();
      }
    }
  }

  async renews(over: Partial<RenewRequest> = {}): Promise<boolean> {
    const { name, owner } = this;
    const answers = await this.driver.renew([
      { name, owner, ttlMs: LONG_MS, atMostMs: null, ...over },
    ]);
    assert.equal(answers.length, 1);
    return answers[0] === true;
  }

  releases(over: Partial<ReleaseRequest> = {}): Promise<ReleaseAnswer> {
    const { name, owner } = this;
    const token = this.grant?.token ?? 1;
    return this.driver.release({
      ...{ name, owner, error: null, token, atLeastMs: 0, rejoin: null },
      ...over,
    });
  }

  /** Releases, and the lease must have been its own. */
  async gives(over: Partial<ReleaseRequest> = {}): Promise<ReleaseAnswer> {
    const answer = await this.releases(over);
    assert.equal(answer.released, true, `${this.owner} gives back the lease that it holds`);
    return answer;
  }

  leaves(): Promise<void> {
    return this.driver.leave(this.name, this.owner);
  }

  inspects(): ReturnType<LockDriver['inspect']> {
    return this.driver.inspect(this.name);
  }

  /** Whether its process was told that it was handed the lease. */
  get wasWoken(): boolean {
    return this.process.wakes.some((wake) => wake.kind === 'granted' && wake.owner === this.owner);
  }
}

export function show(value: unknown): string {
  return JSON.stringify(value);
}
