/**
 * Takers at work on one name. Each has a seat with so many rounds to do; whoever is killed is
 * replaced by a fresh process, which does the rest. Two more are always started ahead.
 */
import type { LockOptions } from '../../../lib/core/lock-options.js';
import type { Entry } from '../programs/diary.js';
import type { Manner } from '../programs/lock-taker.js';
import { LogReader } from './log-reader.js';
import type { FaultStore } from './stores.js';
import type { Taker } from './taker.js';

const SPARES = 2;
const PATIENCE_MS = 20_000;

export interface CrewOptions {
  readonly size: number;
  /** For each seat. */
  readonly rounds: number;
  readonly options: LockOptions;
}

export class Crew {
  readonly name: string;
  /** When all rounds of all seats are done; rejects when a taker ends that nobody killed. */
  readonly done: Promise<unknown>;
  kills = 0;
  readonly #store: FaultStore;
  readonly #options: CrewOptions;
  readonly #log: LogReader;
  readonly #spares: Promise<Taker>[] = [];
  readonly #seats = new Map<number, Taker>();
  readonly #seatOf = new Map<string, number>();
  readonly #killed = new Set<Taker>();
  readonly #spared = new Set<Taker>();
  #isOver = false;

  private constructor(store: FaultStore, options: CrewOptions, first: readonly Taker[]) {
    this.#store = store;
    this.#options = options;
    this.#log = new LogReader(store.log);
    this.name = store.name();
    const end = (): void => {
      this.#isOver = true;
    };
    this.done = Promise.all(first.map((taker, seat) => this.#serve(seat, taker)));
    this.done.then(end, end);
    for (let n = 0; n < SPARES; n += 1) this.#spares.push(store.taker());
  }

  /** Starts them all, and sets them to work together. */
  static async start(store: FaultStore, options: CrewOptions): Promise<Crew> {
    const first = Array.from({ length: options.size }, () => store.taker());
    return new Crew(store, options, await Promise.all(first));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whoever works now and is not to be spared, in the order of the seats. */
  get victims(): readonly Taker[] {
    return [...this.#seats.values()].filter((taker) => !this.#spared.has(taker));
  }

  /** Who has the lock in hands by its own account, if it is not to be spared. */
  get holder(): Taker | undefined {
    const isTurn = ({ what, name }: Entry): boolean =>
      name === this.name && (what === 'granted' || what === 'body-ended');
    const last = this.#log.entries().filter(isTurn).at(-1);
    if (last?.what !== 'granted') return undefined;
    return this.victims.find(({ name }) => name === last.taker);
  }

  async kill(victim: Taker | undefined): Promise<void> {
    if (victim === undefined || this.#isOver) return;
    this.kills += 1;
    this.#killed.add(victim);
    await victim.kill();
  }

  /**
   * Has the next body of somebody stop itself, until somebody else has counted meanwhile. Answers
   * whether it was told by its signal when it woke, and its write refused.
   */
  async stopInBody(stop: 'before-write' | 'before-commit'): Promise<boolean> {
    return this.#spare({ stop }, async (taker, isOwn, since) => {
      const stopped = await this.#appears(since, (one) => one.what === 'stopped' && isOwn(one));
      const from = this.#log.entries().length;
      await this.#appears(from, (one) => one.what === 'counted' && !isOwn(one));
      taker.resume();
      const { token = 0 } = stopped ?? {};
      const isLate = (one: Entry): boolean => isOwn(one) && one.token === token;
      const told = await this.#appears(from, (one) => one.what === 'lost' && isLate(one));
      const refused = await this.#appears(from, (one) => one.what === 'refused' && isLate(one));
      return told !== null && refused?.code === 'LOCK_LOST';
    });
  }

  /** Has the next body of somebody last so long that it needs a renewal, and waits for that. */
  async stayInBody(thinkMs: number): Promise<boolean> {
    return this.#spare({ thinkMs }, async (_, isOwn, since) => {
      return (await this.#appears(since, (one) => one.what === 'renewed' && isOwn(one))) !== null;
    });
  }

  /** No more rounds; who still lives is the store's to clear. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#spares);
  }

  async #serve(seat: number, first: Taker): Promise<void> {
    const { rounds, options } = this.#options;
    const work = { order: 'work', name: this.name, witness: 'table', options } as const;
    let taker = first;
    for (let left = rounds; left > 0; left = rounds - this.#doneOn(seat)) {
      this.#seats.set(seat, taker);
      this.#seatOf.set(taker.name, seat);
      try {
        await taker.tell({ ...work, rounds: left });
        this.#seats.delete(seat);
        return;
      } catch (error) {
        this.#seats.delete(seat);
        if (this.#isOver) return;
        if (!this.#killed.has(taker)) throw error;
      }
      taker = await this.#hire();
    }
  }

  /** Tells somebody what its next body is to be like; nobody kills it until that is over. */
  async #spare(
    manner: Manner,
    watch: (taker: Taker, isOwn: (entry: Entry) => boolean, since: number) => Promise<boolean>,
  ): Promise<boolean> {
    const taker = this.victims[0];
    if (taker === undefined) return false;
    this.#spared.add(taker);
    try {
      // It may have stopped before: what it did then does not count.
      const since = this.#log.entries().length;
      await taker.tell({ order: 'next-body', ...manner });
      const isOwn = (entry: Entry): boolean => entry.taker === taker.name;
      return await watch(taker, isOwn, since);
    } finally {
      this.#spared.delete(taker);
    }
  }

  #hire(): Promise<Taker> {
    this.#spares.push(this.#store.taker());
    return this.#spares.shift() ?? this.#store.taker();
  }

  #doneOn(seat: number): number {
    const counted = this.#log.entries().filter(({ what }) => what === 'counted');
    return counted.filter(({ taker }) => this.#seatOf.get(taker) === seat).length;
  }

  /** Looks from that line of the log on; `null` when the work, or our patience, was over before. */
  async #appears(since: number, wanted: (entry: Entry) => boolean): Promise<Entry | null> {
    const until = performance.now() + PATIENCE_MS;
    while (!this.#isOver && performance.now() < until) {
      const news = this.#log.entries().slice(since);
      const found = news.find((one) => one.name === this.name && wanted(one));
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return null;
  }
}
