/**
 * The wait loop: one owner's way to the lease, on behalf of the local callers of one name. It asks
 * the store, waits to be woken or to ask again, and stands back while the store is in trouble,
 * until it has the lease or no local caller is left.
 *
 * ```
 *            ┌────── woken, or retryInMs ──────┐
 *            ▼                                 │
 *   ──▶  asking ── refused ──────────────▶ waiting
 *          │ ▲ │
 *          │ │ └── no answer ──▶ standing back ─┐
 *          │ └──────────────────────────────────┘
 *          └── granted ──▶ won       (no caller left, in any state ──▶ given up: leave the line)
 * ```
 * An unknown outcome is asked about again under the same owner, so it cannot become two tickets or
 * two leases. What arrives after the giving up is given back.
 */
import { Alarm } from './alarms.js';
import type { Engine } from './engine.js';
import { insist } from './insist.js';
import type { GrantTimes } from './lease-renewer.js';
import { deadlineOf } from './lease-renewer.js';
import type { AcquireAnswer, AcquireRequest, Granted, Refused } from './lock-driver.js';
import { LINE_TIMES } from './lock-driver.js';
import type { LockStoreError } from './lock-errors.js';
import type { Terms } from './lock-options.js';

/** The local callers, as the wait loop sees them. */
export interface Callers {
  readonly name: string;
  /** What the first of them wants; `null` when nobody is left. */
  firstTerms(): Terms | null;
  /** How many there are. */
  readonly size: number;
  /** The store said no. Whoever does not want to wait leaves now. */
  refused(answer: Refused): void;
  /** The store did not answer. */
  troubled(error: LockStoreError): void;
  /** The lease is theirs. */
  won(request: AcquireRequest, times: GrantTimes, answer: Granted): void;
  /** The loop has ended without a lease: nobody is left, or the grant came to light too late. */
  gaveUp(): void;
}

type State = 'asking' | 'waiting' | 'standing-back' | 'won' | 'given-up';

export class WaitLoop extends Alarm {
  readonly owner: string;
  #state: State = 'asking';
  #try = 0;
  #failures = 0;
  /** Woken while asking: the answer under way may be older than the news. */
  #woken = false;
  /** Nothing of ours is in the store for certain: only refusals of a `line: 'none'` so far. */
  #spotless = true;
  #wonToken = 0;
  #asked: AcquireRequest | null = null;
  /** One that was not answered. */
  #astray: AcquireRequest | null = null;
  /** A grant that we have not heard of may be there already, or may yet come of an earlier try. */
  #inDoubt = false;
  /** A grant, if there is one, was not made before this. */
  #notBefore = 0;
  readonly #engine: Engine;
  readonly #callers: Callers;

  constructor(engine: Engine, callers: Callers) {
    super();
    this.#engine = engine;
    this.#callers = callers;
    this.owner = engine.nextOwner();
    // From the start: a push may overtake the answer that put us into the line.
    engine.wakeable.set(this.owner, this);
  }

  /** @param send how the first request travels, if not by itself: with a release. */
  ask(send?: (request: AcquireRequest) => Promise<AcquireAnswer>): void {
    const terms = this.#callers.firstTerms();
    if (terms === null) {
      this.giveUp();
      return;
    }
    // A request that went astray may be applied at any time yet, and would put its own terms, a
    // shorter ttl perhaps, on the lease that we hold by then: others need another owner.
    if (this.#astray !== null && !isAsAsked(this.#astray, terms)) {
      this.giveUp();
      return;
    }
    const engine = this.#engine;
    const request: AcquireRequest = {
      name: this.#callers.name,
      owner: this.owner,
      ttlMs: terms.ttlMs,
      line: terms.waitMs === 0 ? 'none' : 'join',
      tokens: tokensFor(this.#callers.size),
      atMostMs: terms.atMostMs,
      note: terms.note,
    };
    this.#asked = request;
    const number = ++this.#try;
    const sentAt = engine.clock.now();
    this.#state = 'asking';
    this.#woken = false;
    if (!this.#inDoubt) this.#notBefore = sentAt;
    // Before the driver is open nothing is sent; what is sent later is left when it is answered.
    if (request.line === 'join' && engine.isOpen) this.#spotless = false;
    engine.alarms.set(this, sentAt + engine.storeTimeoutMs);
    (send?.(request) ?? engine.call((driver) => driver.acquire(request))).then(
      (answer) => {
        this.#answered(number, request, sentAt, answer);
      },
      (error: unknown) => {
        if (number === this.#try && this.#state === 'asking') this.#failed(error);
      },
    );
  }

  /** News for this owner: it may have been handed the lease. */
  wake(): void {
    if (this.#state === 'asking') this.#woken = true;
    else if (this.#state === 'waiting' || this.#state === 'standing-back') this.ask();
  }

  ring(): void {
    if (this.#state === 'asking') this.#failed(this.#engine.tooLate());
    else this.ask();
  }

  /** Gives up the place in the line, and what was granted meanwhile. */
  giveUp(): void {
    if (this.#state === 'won' || this.#state === 'given-up') return;
    this.#end('given-up');
    if (!this.#spotless) this.#leave();
    this.#callers.gaveUp();
  }

  #answered(number: number, request: AcquireRequest, sentAt: number, answer: AcquireAnswer): void {
    if (this.#state === 'given-up') {
      // It crossed with the giving up, and may have been applied after it: lease or ticket would
      // stay with nobody until they run out.
      if (answer.granted || request.line === 'join') this.#leave();
      return;
    }
    if (this.#state === 'won') {
      // An earlier try was applied after the lease had been given back: that grant is nobody's.
      // One with a lower token is over; leaving now would give up the lease that we hold.
      if (answer.granted && answer.token > this.#wonToken) this.#leave();
      return;
    }
    // An earlier try that answers late: the later one will say what is true now.
    if (this.#state !== 'asking' || number !== this.#try) return;
    this.#failures = 0;
    if (answer.granted) this.#granted(request, sentAt, answer);
    else this.#refused(request, sentAt, answer);
  }

  #granted(request: AcquireRequest, sentAt: number, answer: Granted): void {
    this.#spotless = false;
    const terms = this.#callers.firstTerms();
    if (terms === null) {
      this.giveUp();
      return;
    }
    // Another caller is first by now, or the answer took the lease's whole life: asked again, the
    // store sets the lease anew.
    const now = this.#engine.clock.now();
    if (!isAsAsked(request, terms) || now >= deadlineOf(sentAt, request.ttlMs)) {
      this.#inDoubt = true;
      this.ask();
      return;
    }
    // The store counts atMostMs from the grant, and that may be long ago if its answer was lost.
    if (request.atMostMs !== null && now >= deadlineOf(this.#notBefore, request.atMostMs)) {
      this.giveUp();
      return;
    }
    this.#end('won');
    this.#wonToken = answer.token;
    this.#callers.won(request, { sentAt, notBefore: this.#notBefore }, answer);
  }

  #refused(request: AcquireRequest, sentAt: number, answer: Refused): void {
    this.#notBefore = sentAt;
    // Sent after the driver was opened, if not before.
    if (request.line === 'join') this.#spotless = false;
    this.#callers.refused(answer);
    if (this.#callers.firstTerms() === null) {
      this.giveUp();
    } else if (this.#woken || request.line === 'none') {
      this.ask();
    } else {
      this.#state = 'waiting';
      const { alarms, clock } = this.#engine;
      alarms.set(this, clock.now() + Math.min(answer.retryInMs, LINE_TIMES.refreshMs));
    }
  }

  #failed(cause: unknown): void {
    this.#failures += 1;
    // It may have been applied all the same.
    if (this.#engine.isOpen) this.#spotless = false;
    this.#inDoubt = true;
    this.#astray = this.#asked;
    this.#state = 'standing-back';
    const { alarms, clock } = this.#engine;
    alarms.set(this, clock.now() + this.#engine.backOff(this.#failures));
    this.#callers.troubled(this.#engine.troubled(this.#callers.name, 'acquired', cause));
  }

  #end(state: 'won' | 'given-up'): void {
    this.#state = state;
    this.#engine.alarms.clear(this);
    this.#engine.wakeable.delete(this.owner);
  }

  #leave(): void {
    const { name } = this.#callers;
    insist(this.#engine, {
      name,
      action: 'given up',
      send: () => this.#engine.driver.leave(name, this.owner),
      // After this the ticket, or the lease of an answer that was lost, is gone by itself.
      until: this.#engine.clock.now() + Math.max(LINE_TIMES.ticketMs, this.#asked?.ttlMs ?? 0),
      patienceMs: this.#engine.storeTimeoutMs,
      told: () => undefined,
    });
  }
}

function isAsAsked(request: AcquireRequest, { ttlMs, atMostMs, note }: Terms): boolean {
  return request.ttlMs === ttlMs && request.atMostMs === atMostMs && request.note === note;
}

/**
 * Enough tokens for the turns that the callers here may take under one lease; but in proportion,
 * because tokens are also microseconds, and must not run ahead of the time.
 */
function tokensFor(callers: number): number {
  return Math.min(1_000, 8 * callers);
}
