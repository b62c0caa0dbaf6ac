/**
 * The callers of one name inside this process. They stand in a line of their own, and only one
 * owner stands for all of them in the store: ten thousand waiting callers cost the store one
 * ticket.
 *
 * The lease is the process's, the turn the caller's. While a lease is younger than `TURNS_MS`, a
 * finished turn passes to the next caller without asking the store; after that the lease goes back
 * to the line in the store, release and new ticket in one call, so that no other instance starves.
 */
import type { Engine } from './engine.js';
import { noAnswer } from './engine.js';
import { giveBack } from './give-back.js';
import { HeldLock } from './held-lock.js';
import type { ReleaseOutcome, TurnKeeper } from './held-lock.js';
import type { Ending } from './lease.js';
import type { GrantTimes, KeptLease } from './lease-renewer.js';
import type { AcquireRequest, Granted, Refused } from './lock-driver.js';
import type { Callers } from './acquire-lock.js';
import { WaitLoop } from './acquire-lock.js';
import type { HolderFacts, LossReason } from './lock-errors.js';
import { LockError, LockHeldError, LockShutdownError, LockStoreError } from './lock-errors.js';
import { LockWaitTimeoutError } from './lock-errors.js';
import type { Terms } from './lock-options.js';
import { endingOf, mayPass } from './turns.js';
import { Waiting, WaitingList } from './waiting.js';

export class LocalLine implements Callers, TurnKeeper {
  readonly #engine: Engine;
  readonly #onIdle: (line: LocalLine) => void;
  readonly #waiting = new WaitingList();
  #turn: HeldLock | null = null;
  #loop: WaitLoop | null = null;
  /** The block of tokens under the present lease ends before this one. */
  #tokensEnd = 0;
  /** What the store last said of who has it, and when; `null` before it said anything. */
  #heard: { readonly facts: HolderFacts; readonly at: number } | null = null;
  #trouble: LockStoreError | null = null;
  /** Whether the store has ever answered about this name. */
  #answered = false;

  constructor(
    engine: Engine,
    readonly name: string,
    onIdle: (line: LocalLine) => void,
  ) {
    this.#engine = engine;
    this.#onIdle = onIdle;
  }

  get driver(): Engine['driver'] {
    return this.#engine.driver;
  }
  get clock(): Engine['clock'] {
    return this.#engine.clock;
  }
  get renewer(): Engine['renewer'] {
    return this.#engine.renewer;
  }
  /** The turn that is being taken now, if any. */
  get turn(): HeldLock | null {
    return this.#turn;
  }
  get size(): number {
    return this.#waiting.size;
  }

  /** Waits for a turn, or not, as the terms say. */
  enter(terms: Terms): Promise<HeldLock> {
    return new Promise((resolve, reject) => {
      const waiting = new Waiting(this, terms, resolve, reject, this.#engine.clock.now());
      if (terms.signal?.aborted === true) {
        reject(terms.signal.reason as Error);
        this.#checkIdle();
      } else if (terms.waitMs === 0 && (this.#turn !== null || this.#waiting.size > 0)) {
        this.dismiss(waiting, new LockHeldError(this.name, this.#facts(this.#waiting.size)));
      } else {
        this.#admit(waiting);
      }
    });
  }

  /** Sends everybody away who waits. */
  shutDown(): void {
    for (let first = this.#waiting.first; first !== null; first = this.#waiting.first) {
      this.dismiss(first, new LockShutdownError(this.name));
    }
  }

  /** The grace is over: the turn's signal aborts, and its lease is left to run out. */
  abandonTurn(): void {
    const turn = this.#turn;
    if (turn === null) return;
    this.#engine.renewer.drop(turn.kept);
    this.#endByLoss(turn, new LockShutdownError(this.name));
    this.#checkIdle();
  }

  // — As the wait loop sees it —

  firstTerms(): Terms | null {
    return this.#waiting.first?.terms ?? null;
  }

  refused(answer: Refused): void {
    this.#trouble = null;
    this.#answered = true;
    this.#heard = { facts: answer, at: this.#engine.clock.now() };
    const first = this.#waiting.first;
    if (first?.terms.waitMs === 0) this.dismiss(first, new LockHeldError(this.name, answer));
  }

  troubled(error: LockStoreError): void {
    this.#trouble = error;
  }

  won(request: AcquireRequest, times: GrantTimes, { token, tokens, previous }: Granted): void {
    const first = this.#waiting.first;
    this.#loop = null;
    this.#answered = true;
    this.#trouble = null;
    // The wait loop asked for the first caller's terms just now; without one it gives up instead.
    if (first === null) return;
    const { name, owner, ttlMs } = request;
    const lease = { name, owner, ttlMs, token };
    this.#tokensEnd = token + tokens;
    const kept = this.#engine.renewer.keep(lease, first.terms, times, (reason) => {
      this.#lost(kept, reason);
    });
    this.#give(first, kept, token, previous);
  }

  gaveUp(): void {
    this.#loop = null;
    if (this.#waiting.size > 0) this.#seek();
    else this.#checkIdle();
  }

  // — As a turn sees it —

  endTurn(turn: HeldLock, error: unknown): Promise<ReleaseOutcome> | ReleaseOutcome {
    this.#tellReleased(turn);
    this.#turn = null;
    const next = this.#waiting.first;
    if (next !== null && mayPass(turn, next.terms, this.#tokensEnd, this.#engine.clock.now())) {
      this.#give(next, turn.kept, turn.token + 1, endingOf(turn, error));
      return 'released';
    }
    return this.#giveBack(turn, error);
  }

  // — As a waiting caller sees it —

  /** Its time is over. */
  timedOut(waiting: Waiting, now: number): void {
    const waitedMs = now - waiting.since;
    // Not before the store has had its time is it to blame for saying nothing.
    const isSilent = !this.#answered && waitedMs >= this.#engine.storeTimeoutMs;
    const error = isSilent
      ? new LockStoreError(this.name, 'acquired', noAnswer(waitedMs))
      : new LockWaitTimeoutError(this.name, waitedMs, this.#facts(waiting.place));
    this.dismiss(waiting, this.#trouble ?? error);
  }

  /** Takes it out of the line, and tells it why. */
  dismiss(waiting: Waiting, reason: unknown): void {
    this.#remove(waiting);
    waiting.reject(reason);
    if (reason instanceof LockError) {
      this.#engine.emit?.({ type: 'refused', name: this.name, error: reason });
    }
    if (this.#waiting.size > 0) return;
    this.#loop?.giveUp();
    this.#checkIdle();
  }

  #admit(waiting: Waiting): void {
    this.#waiting.add(waiting);
    const patience =
      waiting.terms.waitMs === 0 ? this.#engine.storeTimeoutMs : waiting.terms.waitMs;
    this.#engine.alarms.set(waiting, waiting.since + patience);
    waiting.listen();
    if (this.#turn === null) this.#seek();
  }

  #remove(waiting: Waiting): void {
    this.#waiting.remove(waiting);
    this.#engine.alarms.clear(waiting);
    waiting.stopListening();
  }

  #seek(): void {
    if (this.#loop !== null) return;
    this.#loop = new WaitLoop(this.#engine, this);
    this.#loop.ask();
  }

  #give(waiting: Waiting, kept: KeptLease, token: number, previous: Ending | null): void {
    this.#remove(waiting);
    const turn = new HeldLock(this, kept, waiting.terms, token, previous);
    this.#turn = turn;
    waiting.resolve(turn);
    const { emit } = this.#engine;
    if (emit === null) return;
    const waitedMs = turn.since - waiting.since;
    emit({ type: 'acquired', name: this.name, owner: turn.owner, token, waitedMs });
  }

  #giveBack(turn: HeldLock, error: unknown): Promise<ReleaseOutcome> {
    this.#engine.renewer.drop(turn.kept);
    if (this.#waiting.size === 0) {
      const outcome = giveBack(this.#engine, turn, error, null);
      this.#checkIdle();
      return outcome;
    }
    const loop = new WaitLoop(this.#engine, this);
    this.#loop = loop;
    return giveBack(this.#engine, turn, error, (send) => {
      loop.ask(send);
    });
  }

  #lost(kept: KeptLease, reason: LossReason): void {
    if (this.#turn?.kept !== kept) return;
    this.#endByLoss(this.#turn, reason);
    if (this.#waiting.size > 0) this.#seek();
    else this.#checkIdle();
  }

  #endByLoss(turn: HeldLock, reason: LossReason | LockShutdownError): void {
    this.#turn = null;
    const error = turn.lose(reason);
    this.#engine.emit?.({ type: 'lost', name: this.name, error });
  }

  #tellReleased(turn: HeldLock): void {
    const { emit, clock } = this.#engine;
    if (emit === null) return;
    const { owner, token } = turn;
    emit({ type: 'released', name: this.name, owner, token, heldMs: clock.now() - turn.since });
  }

  /** What is known of who has it; our own turn is known best. */
  #facts(ahead: number): HolderFacts {
    if (this.#turn !== null) {
      const { owner, remainingMs } = this.#turn;
      return { owner, remainingMs, ahead };
    }
    if (this.#heard === null) return { owner: null, remainingMs: 0, ahead };
    const { facts, at } = this.#heard;
    return {
      ...facts,
      remainingMs: Math.max(0, facts.remainingMs + at - this.#engine.clock.now()),
    };
  }

  #checkIdle(): void {
    if (this.#waiting.size === 0 && this.#turn === null && this.#loop === null) this.#onIdle(this);
  }
}
