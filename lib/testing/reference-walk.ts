/**
 * One random walk on one name, in the driver and in the reference at once. Times are chosen so that
 * no boundary comes within half a second after a step: the driver's clock goes on, the reference's
 * moves by `elapse` alone.
 */
import assert from 'node:assert/strict';
import type { Ending, LockState } from '../core/lease.js';
import type {
  AcquireAnswer,
  AcquireRequest,
  ReleaseRequest,
  RenewRequest,
} from '../core/lock-driver.js';
import * as reference from '../core/lock-steps.js';
import { show, type Caller } from './caller.js';
import type { World } from './world.js';

/**
 * Time passes in steps of this: a ticket's 5,000 ms and a claim's 2,000 ms fall between two, and
 * a ticket that is one step old is refreshed also by a driver that spares the younger ones.
 */
const TICK_MS = 2_100;
const TTL_MS = 47.5 * TICK_MS;
const AT_LEAST_MS = 31.5 * TICK_MS;
const AT_MOST_MS = 19.5 * TICK_MS;
/** Later than this after its start, real time may have run something out: the walk ends. */
const IN_TIME_MS = 550;
const CALLERS = 5;

export class ReferenceWalk {
  readonly #name: string;
  readonly #random: () => number;
  readonly #callers: Caller[];
  readonly #steps: string[] = [];
  readonly #startedAt = performance.now();
  /** From a token of the reference to the driver's. */
  readonly #tokens = new Map<number, number>();
  #state = reference.unknownName(0);
  #now = 1;

  constructor(
    readonly world: World,
    seed: number,
  ) {
    this.#name = world.name(`walk-${seed}`);
    this.#random = randomFrom(seed);
    this.#callers = Array.from({ length: CALLERS }, (_, n) => world.caller(this.#name, n));
  }

  get isInTime(): boolean {
    return performance.now() - this.#startedAt < IN_TIME_MS;
  }

  /** The latest steps, for the message of a failure. */
  get path(): string {
    return this.#steps.slice(-15).join(' → ');
  }

  async step(): Promise<void> {
    const caller = this.#pick(this.#callers);
    const kind = this.#random();
    if (kind < 0.4) await this.#acquire(caller);
    else if (kind < 0.5) await this.#renew(caller);
    else if (kind < 0.75) await this.#release(this.#chance(0.8) ? this.#inCharge(caller) : caller);
    else if (kind < 0.85) await this.#leave(caller);
    else if (kind < 0.88) await this.#force(caller);
    else if (kind < 0.95) await this.#elapse();
    else await this.#list(caller);
    this.#compareStates(await caller.inspects());
  }

  async #acquire(caller: Caller): Promise<void> {
    const request = this.#request(caller, this.#chance(0.7) ? 'join' : 'none');
    const expected = this.#apply((state, at) => reference.acquire(state, request, at));
    this.#say(caller, `asks (${request.line})`, expected);
    const actual = await caller.asks(request);
    this.#compareAnswers(actual, expected);
  }

  async #renew(caller: Caller): Promise<void> {
    const note = this.#chance(0.5) ? {} : { note: this.#note() };
    const request: RenewRequest = {
      ...{ name: this.#name, owner: caller.owner, ttlMs: TTL_MS, atMostMs: null, ...note },
    };
    const expected = this.#apply((state, at) => reference.renew(state, request, at));
    this.#say(caller, 'renews', expected);
    this.#equal(await caller.renews(request), expected);
  }

  async #release(caller: Caller): Promise<void> {
    const turn = Math.floor(this.#random() * (caller.grant?.tokens ?? 1));
    const next = this.world.caller(this.#name, Math.floor(this.#random() * CALLERS));
    const request: Omit<ReleaseRequest, 'token'> = {
      name: this.#name,
      owner: caller.owner,
      error: this.#chance(0.5) ? null : { name: 'Error', message: `of ${caller.owner}` },
      atLeastMs: this.#chance(0.8) ? 0 : AT_LEAST_MS,
      rejoin: this.#chance(0.6) ? null : this.#request(next, 'join'),
    };
    const { hold } = this.#state;
    const token = (hold?.token ?? 0) + turn;
    const realToken = (caller.grant?.token ?? 1) + turn;
    if (hold?.phase === 'held' && hold.owner === caller.owner) this.#tokens.set(token, realToken);
    const expected = this.#apply((state, at) =>
      reference.release(state, { ...request, token }, at),
    );
    this.#say(caller, request.rejoin === null ? 'releases' : 'releases and rejoins', expected);
    const actual = await caller.releases({ ...request, token: realToken });

    this.#equal(actual.released, expected.released);
    this.#equal(actual.rejoined === null, expected.rejoined === null);
    if (actual.rejoined !== null && expected.rejoined !== null) {
      if (actual.rejoined.granted) next.grant = actual.rejoined;
      this.#compareAnswers(actual.rejoined, expected.rejoined);
    }
    // An owner is one acquisition: whoever gave its own back comes again as another.
    const successor = request.rejoin === null ? this.world.caller(this.#name) : next;
    if (expected.released || request.rejoin !== null) {
      this.#callers[this.#callers.indexOf(caller)] = successor;
    }
  }

  async #leave(caller: Caller): Promise<void> {
    this.#apply((state, at) => reference.leave(state, caller.owner, at));
    this.#say(caller, 'leaves', null);
    await caller.leaves();
    this.#callers[this.#callers.indexOf(caller)] = this.world.caller(this.#name, 1);
  }

  async #force(caller: Caller): Promise<void> {
    // The token of a claim's ending is nobody's: nothing is agreed about it.
    if (this.#state.hold?.phase === 'claimed') return;
    const expected = this.#apply((state, at) => reference.forceRelease(state, at));
    this.#say(caller, 'forces', expected);
    this.#equal(await caller.driver.forceRelease(this.#name), expected);
  }

  async #elapse(): Promise<void> {
    if (!this.world.timeIsCheap) return;
    const ms = this.#pick([1, 1, 2, 3, 20, 32, 48]) * TICK_MS;
    this.#steps.push(`${ms} ms pass`);
    this.#now += ms;
    await this.world.elapse(this.#name, ms);
  }

  async #list(caller: Caller): Promise<void> {
    const listed = await caller.driver.list({ prefix: this.#name, limit: 2 });
    const { phase, waiting } = reference.view(this.#name, this.#state, this.#now);
    this.#equal(listed.length, phase === 'free' && waiting === 0 ? 0 : 1);
  }

  #compareAnswers(actual: AcquireAnswer, expected: AcquireAnswer): void {
    this.#equal(actual.granted, expected.granted);
    if (actual.granted && expected.granted) {
      const before = this.#tokens.get(expected.token);
      if (before !== undefined) this.#equal(actual.token, before);
      this.#tokens.set(expected.token, actual.token);
      this.#equal(actual.tokens, expected.tokens);
      this.#equal(actual.previous, this.#translated(expected.previous));
    }
    if (!actual.granted && !expected.granted) {
      this.#equal([actual.owner, actual.ahead], [expected.owner, expected.ahead]);
      this.#near(actual.remainingMs, expected.remainingMs);
    }
  }

  #compareStates(actual: LockState): void {
    const expected = reference.view(this.#name, this.#state, this.#now);
    const facts = ({ phase, owner, waiting, note }: LockState): unknown => [
      ...[phase, owner, waiting, note],
    ];
    this.#equal(facts(actual), facts(expected));
    this.#equal(actual.ending, this.#translated(expected.ending));
    this.#near(actual.remainingMs, expected.remainingMs);
  }

  #translated(ending: Ending | null): Ending | null {
    if (ending === null) return null;
    return { ...ending, token: this.#tokens.get(ending.token) ?? ending.token };
  }

  /** A walk that real time has overtaken proves nothing. */
  #equal(actual: unknown, expected: unknown): void {
    if (this.isInTime) assert.deepEqual(actual, expected);
  }

  #near(actualMs: number, expectedMs: number): void {
    if (this.isInTime) {
      assert.ok(Math.abs(actualMs - expectedMs) < TICK_MS, `${actualMs} is about ${expectedMs}`);
    }
  }

  #apply<Answer>(
    step: (state: reference.NameState, moment: reference.Moment) => reference.Step<Answer>,
  ): Answer {
    const [after, answer] = step(this.#state, {
      now: this.#now,
      tokenTime: 0,
      listens: () => true,
    });
    this.#state = after;
    return answer;
  }

  #request(caller: Caller, line: 'join' | 'none'): AcquireRequest {
    const atMostMs = this.#chance(0.2) ? AT_MOST_MS : null;
    const tokens = this.#pick([1, 5, 1_000]);
    return caller.request({ ttlMs: TTL_MS, line, tokens, atMostMs, note: this.#note() });
  }

  /** Mostly whoever holds: strangers' releases are many and all alike. */
  #inCharge(otherwise: Caller): Caller {
    const owner = this.#state.hold?.owner;
    return this.#callers.find((caller) => caller.owner === owner) ?? otherwise;
  }

  #note(): string | null {
    return this.#chance(0.5) ? null : JSON.stringify(Math.floor(this.#random() * 1_000));
  }

  #say(caller: Caller, verb: string, expected: unknown): void {
    this.#steps.push(`${caller.owner.split(':').slice(-2).join(':')} ${verb} = ${show(expected)}`);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.#random() * from.length)];
    assert.ok(picked !== undefined);
    return picked;
  }
}

/** A small generator that gives the same numbers for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
