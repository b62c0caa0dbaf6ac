/**
 * What the store did, judged by a second, independent account of the model: one lease and one line
 * per name. It sees every step in the order in which the store took it, and nothing else.
 */
import type { Ending } from '../../lib/core/lease.js';
import type {
  AcquireAnswer,
  AcquireRequest,
  ReleaseAnswer,
  ReleaseRequest,
  RenewRequest,
} from '../../lib/core/lock-driver.js';

interface Hold {
  readonly owner: string;
  readonly since: number;
  endsAt: number;
  readonly token: number;
  readonly tokensEnd: number;
  readonly previous: Ending | null;
}

interface Ticket {
  readonly owner: string;
  endsAt: number;
}

/** What is known of one name. */
export interface Book {
  readonly name: string;
  hold: Hold | null;
  claim: { readonly owner: string; readonly until: number } | null;
  rest: { readonly owner: string; readonly token: number; readonly until: number } | null;
  line: Ticket[];
  highest: number;
  ending: Ending | null;
  /** Since when somebody could have had it, and whether that came at a hand-over. */
  freeFrom: number;
  handedOver: boolean;
}

/** A grant that was not there before. */
export interface Grant {
  readonly name: string;
  readonly owner: string;
  readonly token: number;
  readonly previous: Ending | null;
}

export interface LedgerWorld {
  readonly now: () => number;
  readonly fail: (rule: string, detail: string) => void;
  /** Whether the owner's process is there to be told of a hand-over. */
  readonly listens: (owner: string) => boolean;
  /** The token that the last turn under this owner's lease had, if there was one. */
  readonly lastTurn: (owner: string) => number | undefined;
  readonly granted: (book: Book, grant: Grant) => void;
}

const CLAIM_MS = 2_000;
const TICKET_MS = 5_000;

export class Ledger {
  readonly books = new Map<string, Book>();
  /**
   * Owners whose hold was ended by force, or by a store that lost its memory → until when they may
   * believe in it: no longer than the lease would have lasted, because nothing renews it any more.
   */
  readonly excused = new Map<string, number>();
  /** First token of a grant → what its holder was told. */
  readonly told = new Map<string, Ending | null>();
  readonly #world: LedgerWorld;

  constructor(world: LedgerWorld) {
    this.#world = world;
  }

  acquired(request: AcquireRequest, answer: AcquireAnswer): void {
    const book = this.settled(request.name);
    const now = this.#world.now();
    const { owner } = request;
    if (book.hold?.owner === owner) {
      this.#mustBe(
        answer.granted && answer.token === book.hold.token,
        'asked again, the holder is granted what it has',
        `${owner} on ${book.name}`,
      );
      book.hold.endsAt = leaseEnd(book.hold.since, request, now);
      return;
    }
    const first = book.line[0];
    const obtainable =
      book.hold === null &&
      book.rest === null &&
      (book.claim === null
        ? first === undefined || first.owner === owner
        : book.claim.owner === owner);
    if (answer.granted) {
      if (!obtainable) this.#mustNot(book, owner);
      this.#mustBe(
        answer.token > book.highest,
        'tokens only grow',
        `${book.name}: ${answer.token} after ${book.highest}`,
      );
      this.#mustBe(
        same(answer.previous, book.ending),
        'previous says how the hold before ended',
        `${owner} on ${book.name} was told ${show(answer.previous)}, not ${show(book.ending)}`,
      );
      this.#world.granted(book, { name: book.name, owner, ...answer });
      book.hold = {
        owner,
        since: now,
        endsAt: leaseEnd(now, request, now),
        token: answer.token,
        tokensEnd: answer.token + answer.tokens,
        previous: answer.previous,
      };
      this.told.set(`${book.name} ${answer.token}`, answer.previous);
      book.highest = Math.max(book.highest, answer.token + answer.tokens - 1);
      book.ending = null;
      book.claim = null;
      book.line = book.line.filter((ticket) => ticket.owner !== owner);
      return;
    }
    this.#mustBe(!obtainable, 'a free lock is granted', `${owner} on ${book.name}`);
    if (request.line === 'none') return;
    const ticket = book.line.find((one) => one.owner === owner);
    if (ticket === undefined) book.line.push({ owner, endsAt: now + TICKET_MS });
    else ticket.endsAt = now + TICKET_MS;
  }

  renewed(requests: readonly RenewRequest[], answers: readonly boolean[]): void {
    requests.forEach((request, index) => {
      const book = this.settled(request.name);
      const ours = book.hold?.owner === request.owner;
      this.#mustBe(
        answers[index] === ours,
        'only a live lease of our own is renewed',
        `${request.owner} on ${book.name}: ${answers[index]}, though ${show(book.hold)}`,
      );
      if (ours && book.hold !== null) {
        book.hold.endsAt = leaseEnd(book.hold.since, request, this.#world.now());
      }
    });
  }

  released(request: ReleaseRequest, answer: ReleaseAnswer): void {
    const book = this.settled(request.name);
    const { owner, token, error } = request;
    const { hold } = book;
    const ours = hold?.owner === owner;
    this.#mustBe(
      answer.released === ours,
      'only a live lease of our own is given back',
      `${owner} on ${book.name}: ${answer.released}, though ${show(hold)}`,
    );
    if (ours) {
      // One from long ago may meet a grant that came of a late request, and is nobody's.
      const isLate = token < hold.token;
      this.#mustBe(
        this.#world.lastTurn(owner) === token && (isLate || token < hold.tokensEnd),
        'a release names the token of the last turn',
        `${owner} on ${book.name}: ${token}, not ${this.#world.lastTurn(owner)}`,
      );
      book.hold = null;
      book.ending =
        error === null ? { how: 'released', owner, token } : { how: 'failed', owner, token, error };
      const until = hold.since + request.atLeastMs;
      if (until > this.#world.now()) {
        book.rest = { owner, token: hold.token, until };
        book.freeFrom = until;
        book.handedOver = false;
      } else this.#handOver(book);
    }
    if (request.rejoin !== null && answer.rejoined !== null) {
      this.acquired(request.rejoin, answer.rejoined);
    }
  }

  left(name: string, owner: string): void {
    const book = this.settled(name);
    if (book.line[0]?.owner === owner) this.#headLeft(book, this.#world.now());
    book.line = book.line.filter((ticket) => ticket.owner !== owner);
    if (book.hold?.owner === owner) {
      book.ending = book.hold.previous;
      book.hold = null;
      this.#handOver(book);
    } else if (book.claim?.owner === owner) {
      book.claim = null;
      this.#handOver(book);
    }
  }

  forced(name: string): void {
    const book = this.settled(name);
    const { hold, claim, rest } = book;
    if (hold !== null) {
      this.excused.set(hold.owner, hold.endsAt);
      book.ending = { how: 'forced', owner: hold.owner, token: hold.token };
    } else if (claim !== null) {
      book.ending = { how: 'forced', owner: claim.owner, token: book.highest };
    } else if (rest !== null) {
      book.ending = { how: 'forced', owner: rest.owner, token: rest.token };
    } else return;
    book.hold = null;
    book.claim = null;
    book.rest = null;
    this.#handOver(book);
  }

  /** The store lost its memory: of all promises only the rising of tokens is left. */
  forgotten(): void {
    for (const name of this.books.keys()) {
      const book = this.settled(name);
      if (book.hold !== null) this.excused.set(book.hold.owner, book.hold.endsAt);
      const { highest } = book;
      this.books.set(name, { ...empty(name), highest, freeFrom: this.#world.now() });
    }
  }

  /** The book of a name, with what time has done by itself. */
  settled(name: string): Book {
    let book = this.books.get(name);
    if (book === undefined) this.books.set(name, (book = empty(name)));
    const now = this.#world.now();
    if (book.hold !== null && book.hold.endsAt <= now) {
      const { owner, token, endsAt } = book.hold;
      book.ending = { how: 'expired', owner, token };
      book.freeFrom = endsAt;
      book.handedOver = false;
      book.hold = null;
    }
    if (book.rest !== null && book.rest.until <= now) book.rest = null;
    if (book.claim !== null && book.claim.until <= now) book.claim = null;
    if (book.line.some((ticket) => ticket.endsAt <= now)) {
      this.#headLeft(book, now);
      book.line = book.line.filter((ticket) => ticket.endsAt > now);
    }
    return book;
  }

  /** The next of the line does not know yet that it is first; it asks again before long. */
  #headLeft(book: Book, now: number): void {
    if (book.claim !== null) return;
    book.freeFrom = Math.max(book.freeFrom, now);
    book.handedOver = false;
  }

  #handOver(book: Book): void {
    const now = this.#world.now();
    const next = book.line.findIndex((ticket) => this.#world.listens(ticket.owner));
    const ticket = book.line[next];
    book.freeFrom = now;
    book.handedOver = ticket !== undefined;
    book.claim = ticket === undefined ? null : { owner: ticket.owner, until: now + CLAIM_MS };
    book.line = ticket === undefined ? [] : book.line.slice(next + 1);
  }

  #mustNot(book: Book, owner: string): void {
    const { hold, claim, rest, line } = book;
    if (hold !== null) {
      this.#world.fail('one live lease per name', `${owner} beside ${show(hold)}`);
    } else if (rest !== null) {
      this.#world.fail('a rest is kept', `${owner} during ${show(rest)}`);
    } else {
      this.#world.fail('first come, first served', `${owner} before ${show(claim ?? line)}`);
    }
  }

  #mustBe(so: boolean, rule: string, detail: string): void {
    if (!so) this.#world.fail(rule, detail);
  }
}

function empty(name: string): Book {
  return {
    ...{ name, hold: null, claim: null, rest: null, line: [], highest: 0, ending: null },
    ...{ freeFrom: 0, handedOver: false },
  };
}

function leaseEnd(
  since: number,
  { ttlMs, atMostMs }: { readonly ttlMs: number; readonly atMostMs: number | null },
  now: number,
): number {
  return Math.min(now + ttlMs, atMostMs === null ? Infinity : since + atMostMs);
}

export function same(one: Ending | null, other: Ending | null): boolean {
  return one === other || show(one) === show(other);
}

export function show(value: unknown): string {
  return JSON.stringify(value);
}
