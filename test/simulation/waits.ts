/**
 * Who waits for what, and whether the waiting is fair: first come, first served inside a process,
 * nobody beside a free lock, and nobody longer than agreed.
 */
import type { Client } from './client.js';
import type { Book, Grant } from './ledger.js';
import type { World } from './world.js';

export interface Wait {
  readonly client: Client;
  readonly names: readonly string[];
  /** In order of arrival, over the whole world. */
  readonly arrival: number;
  readonly since: number;
  /** The same on the client's clock. */
  readonly sinceLocal: number;
  readonly waitMs: number;
  over: boolean;
}

/** A lease that runs out, or a rest, is noticed by asking again; on a slow clock a bit later. */
const REFRESH_MS = 2_000 / 0.9;

export class Waits {
  readonly #world: World;
  readonly #open = new Set<Wait>();
  readonly #served = new Map<string, { readonly token: number; readonly arrival: number }[]>();
  #arrivals = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get size(): number {
    return this.#open.size;
  }

  begin(client: Client, names: readonly string[], waitMs: number): Wait {
    this.#arrivals += 1;
    const wait: Wait = {
      ...{ client, names, arrival: this.#arrivals, waitMs, over: false },
      ...{ since: this.#world.timeline.now, sinceLocal: client.now() },
    };
    this.#open.add(wait);
    return wait;
  }

  /** However it ended. */
  end(wait: Wait): void {
    wait.over = true;
    this.#open.delete(wait);
  }

  /** It got what it wanted: one lock, with this token. */
  served(wait: Wait, name: string, token: number): void {
    const line = `${wait.client.process} ${name}`;
    const list = this.#served.get(line) ?? [];
    list.push({ token, arrival: wait.arrival });
    this.#served.set(line, list);
  }

  /** It did not want to wait: one answer of the store is enough for each name. */
  refused(wait: Wait): void {
    const { client, names } = wait;
    const { plan, timeline, fail } = this.#world;
    const allowed = names.length * plan.storeTimeoutMs + 1_200;
    const took = client.now() - wait.sinceLocal;
    if (took > allowed && timeline.now > client.thawedAt + allowed) {
      fail('a try does not wait', `${client.process} ${took} ms`);
    }
  }

  /** It gave up: not sooner and not later than agreed. */
  timedOut(wait: Wait, agreedMs: number): void {
    const { client, names } = wait;
    const waited = client.now() - wait.sinceLocal;
    const { timeline, fail } = this.#world;
    if (waited < agreedMs) fail('nobody gives up early', `${client.process} after ${waited} ms`);
    // What was taken already is given back first, and that takes a second at most.
    const grace = names.length > 1 ? 1_200 : 100;
    if (waited > agreedMs + grace && timeline.now > client.thawedAt + grace) {
      fail('nobody waits longer than agreed', `${client.process} ${waited}, not ${agreedMs} ms`);
    }
    if (names.length === 1 && names[0] !== undefined && wait.waitMs > 0) {
      const book = this.#world.ledger.settled(names[0]);
      if (book.hold === null && book.rest === null) this.#checkGap(book, wait.since, wait);
    }
  }

  /** The store granted a name to somebody: did it lie idle beside a waiting caller? */
  granted(book: Book, _grant: Grant): void {
    let since = Infinity;
    for (const wait of this.#open) {
      const stands = wait.names.length === 1 && wait.waitMs > 0 && !wait.client.dead;
      if (stands && wait.names[0] === book.name) since = Math.min(since, wait.since);
    }
    this.#checkGap(book, since, null);
  }

  /** At the end of the world. */
  finish(): void {
    for (const wait of this.#open) {
      if (wait.client.dead) continue;
      this.#world.fail('nobody waits for ever', `${wait.client.process} for ${wait.names.join()}`);
    }
    for (const [line, served] of this.#served) {
      served.sort((one, two) => one.token - two.token);
      served.forEach(({ arrival }, index) => {
        const before = served[index - 1];
        if (before !== undefined && before.arrival > arrival) {
          this.#world.fail('first come, first served in a process', `${line}: ${arrival}`);
        }
      });
    }
  }

  #checkGap(book: Book, since: number, wait: Wait | null): void {
    const { plan, timeline, fail } = this.#world;
    const from = Math.max(book.freeFrom, plan.calmFrom, since);
    const gap = timeline.now - from;
    const handOver = 8 * plan.delayMs + 80;
    const allowed = book.handedOver ? handOver : handOver + REFRESH_MS;
    if (gap <= allowed) return;
    const who = wait === null ? 'somebody' : wait.client.process;
    fail('nobody waits beside a free lock', `${who}, ${Math.round(gap)} ms for ${book.name}`);
  }
}
