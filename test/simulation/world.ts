/**
 * One simulated world: a store, some processes that use it through bad weather, and everything that
 * is written down about them.
 */
import type { Engine } from '../../lib/core/engine.js';
import type { Locks } from '../../lib/core/locks.js';
import type { memoryLocks, MemoryStore } from '../../lib/drivers/memory/index.js';
import { Timeline } from '../support/timeline.js';
import { Beliefs } from './beliefs.js';
import type { Client } from './client.js';
import type { Book, Grant } from './ledger.js';
import { Ledger } from './ledger.js';
import type { Plan } from './plan.js';
import { Random } from './random.js';
import { Waits } from './waits.js';

/** The code under test; a mutant of it is another one. */
export interface Core {
  readonly Locks: typeof Locks;
  readonly Engine: typeof Engine;
  readonly memoryLocks: typeof memoryLocks;
  readonly MemoryStore: typeof MemoryStore;
}

export interface Violation {
  readonly rule: string;
  readonly detail: string;
  readonly at: number;
}

/** Enough to know what is wrong; the rest follows from it. */
const MOST_VIOLATIONS = 5;

export class World {
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly store: MemoryStore;
  readonly ledger: Ledger;
  readonly beliefs: Beliefs;
  readonly waits: Waits;
  readonly clients: Client[] = [];
  /** Processes that can be told of a hand-over. */
  readonly listening = new Set<string>();
  readonly violations: Violation[] = [];
  storeDown = false;
  grants = 0;
  #calls = 0;

  constructor(
    readonly core: Core,
    readonly plan: Plan,
    seed: number,
    readonly trace: ((line: string) => void) | null,
  ) {
    this.random = new Random(seed + 0x5eed);
    const clock = {
      now: () => 1_000 + this.timeline.now,
      after: () => ({ cancel: () => undefined, keepAlive: () => undefined }),
    };
    this.store = new core.MemoryStore({ clock, startedAtMs: 1_700_000_000_000 });
    this.beliefs = new Beliefs(this);
    this.waits = new Waits(this);
    this.ledger = new Ledger({
      now: () => this.timeline.now,
      fail: this.fail,
      listens: (owner) => this.listening.has(owner.slice(0, owner.lastIndexOf(':'))),
      lastTurn: (owner) => this.beliefs.lastTurn(owner),
      granted: (book: Book, grant: Grant) => {
        this.grants += 1;
        this.waits.granted(book, grant);
      },
    });
  }

  get stormy(): boolean {
    return this.timeline.now < this.plan.stormUntil;
  }

  get calm(): boolean {
    return this.timeline.now >= this.plan.calmFrom;
  }

  nextCall(): number {
    this.#calls += 1;
    return this.#calls;
  }

  readonly fail = (rule: string, detail: string): void => {
    if (this.violations.length >= MOST_VIOLATIONS) return;
    this.violations.push({ rule, detail, at: this.timeline.now });
    this.log('RULE', `broken: ${rule}: ${detail}`);
  };

  log(who: string, what: string | (() => string)): void {
    if (this.trace === null) return;
    const at = this.timeline.now.toFixed(1).padStart(9);
    this.trace(`${at}  ${who.padEnd(6)} ${typeof what === 'string' ? what : what()}`);
  }
}
