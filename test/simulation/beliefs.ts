/**
 * What the holders believe. A hold is believed in while `lock.held` is true: until its release is
 * called, its loss is told, or its local deadline comes. Nobody else's belief may overlap it.
 */
import type { HeldLock } from '../../lib/core/held-lock.js';
import type { Ending } from '../../lib/core/lease.js';
import type { LossReason } from '../../lib/core/lock-errors.js';
import type { Client } from './client.js';
import { same, show } from './ledger.js';
import type { World } from './world.js';

interface Belief {
  readonly client: Client;
  readonly lock: HeldLock;
  /** When it was first seen not to be held any more, though it was not given back. */
  goneAt: number;
}

/** How long after its deadline a holder may be left without its signal, on a busy machine. */
const LATE_SIGNAL_MS = 60;

export class Beliefs {
  readonly #world: World;
  readonly #byName = new Map<string, Belief[]>();
  /** Owner of a lease → its latest turn. */
  readonly #turns = new Map<string, { token: number; ending: Ending | null }>();
  readonly #lastToken = new Map<string, number>();
  /** First token of a turn that followed another one under one lease → how that one ended. */
  readonly #passed = new Map<string, Ending | null>();
  /** Process and name → the owner of its latest lease. */
  readonly #present = new Map<string, string>();
  readonly #lost = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A process lost the lease of a name. */
  lost(process: string, name: string, reason: LossReason | undefined): void {
    const owner = this.#present.get(`${process} ${name}`);
    if (owner === undefined) return;
    this.#lost.add(owner);
    const { hold } = this.#world.ledger.settled(name);
    // A request that went astray may have been granted since: the same owner's, but a later lease.
    const isStillThere = hold?.owner === owner && hold.token <= (this.lastTurn(owner) ?? 0);
    if (reason === 'refused' && isStillThere) {
      this.#world.fail('what is unknown is not lost', `${owner} on ${name}`);
    }
  }

  /** Whether this owner's lease may still be there when everybody is done. */
  mayOutlive(owner: string): boolean {
    const isOf = ({ process, dead }: Client): boolean => dead && owner.startsWith(`${process}:`);
    return this.#lost.has(owner) || this.#world.clients.some(isOf);
  }

  /** A turn began. */
  turn(name: string, owner: string, token: number): void {
    const last = this.#lastToken.get(name) ?? 0;
    this.#present.set(`${owner.slice(0, owner.lastIndexOf(':'))} ${name}`, owner);
    if (token <= last && !this.#world.ledger.excused.has(owner)) {
      this.#world.fail('tokens only grow', `turn ${token} on ${name} after ${last}`);
    }
    this.#lastToken.set(name, Math.max(last, token));
    const before = this.#turns.get(owner);
    this.#turns.set(owner, { token, ending: null });
    if (before === undefined) return;
    // A turn that nobody had in hands was one of several names, given back for the sake of another.
    const ending = before.ending ?? { how: 'released', owner, token: before.token };
    this.#passed.set(`${name} ${token}`, ending);
  }

  lastTurn(owner: string): number | undefined {
    return this.#turns.get(owner)?.token;
  }

  /** A caller has it in hands. */
  begin(client: Client, lock: HeldLock): void {
    const { name, token, previous, owner } = lock;
    const { ledger, fail } = this.#world;
    const key = `${name} ${token}`;
    const passed = this.#passed.get(key);
    const told = passed === undefined ? ledger.told.get(key) : passed;
    if (told === undefined || !same(told, previous)) {
      const was = `${show(previous)}, not ${show(told)}`;
      fail('previous says how the hold before ended', `${owner}, ${token}: ${was}`);
    }
    const list = this.#byName.get(name) ?? [];
    list.push({ client, lock, goneAt: Infinity });
    this.#byName.set(name, list);
  }

  /** It is about to be given back. */
  end(lock: HeldLock, ending: Ending): void {
    const turn = this.#turns.get(lock.owner);
    if (turn?.token === lock.token) turn.ending = ending;
    const list = this.#byName.get(lock.name) ?? [];
    const index = list.findIndex((one) => one.lock === lock);
    if (index !== -1) list.splice(index, 1);
  }

  /** After every step of the world. */
  check(): void {
    const { ledger } = this.#world;
    for (const [name, list] of this.#byName) {
      let believer: Belief | null = null;
      for (const belief of list) {
        const { client, lock } = belief;
        if (client.dead) continue;
        if (!lock.held) {
          this.#checkSignal(belief);
          continue;
        }
        belief.goneAt = Infinity;
        if (this.#world.timeline.now < (ledger.excused.get(lock.owner) ?? 0)) continue;
        if (believer !== null) {
          const both = `${believer.lock.owner} and ${lock.owner} on ${name}`;
          this.#world.fail('no two holders at one time', both);
        }
        believer = belief;
      }
    }
  }

  #checkSignal(belief: Belief): void {
    const { client, lock } = belief;
    const now = this.#world.timeline.now;
    if (client.frozen || now < client.thawedAt + LATE_SIGNAL_MS) return;
    if (belief.goneAt === Infinity) belief.goneAt = now;
    if (now > belief.goneAt + LATE_SIGNAL_MS && !lock.signal.aborted) {
      this.#world.fail('a holder is told of its loss in time', lock.owner);
      belief.goneAt = Number.MAX_VALUE;
    }
  }
}
