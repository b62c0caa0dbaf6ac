/**
 * Runs steps: as statements over many names (`mysql-batch.ts`) as far as nobody waits for them, and
 * one packet a name (`mysql-packet.ts`) for the others and for what a batch has left as it was.
 */
import type {
  AcquireAnswer,
  AcquireRequest,
  Granted,
  ReleaseRequest,
  RenewRequest,
} from '../../../core/lock-driver.js';
import type { SqlAnswer, SqlStep } from '../sql-dialect.js';
import type { BatchWriter } from './mysql-batch.js';
import {
  readFreed,
  readRenewed,
  readTaken,
  RELEASED,
  type Answers,
} from './mysql-batch-answers.js';
import type { Bell } from './mysql-bell.js';
import type { Lanes, MysqlRow } from './mysql-connections.js';
import { errno, isTransient, NO_SUCH_THREAD } from './mysql-errors.js';
import type { PacketManner, PacketWriter } from './mysql-packet.js';
import { readAcquire, readName, refused } from './mysql-rows.js';
import { rowsIn, type Packet, type ServerForm } from './mysql-script.js';
import { text } from './mysql-text.js';

export interface RunnerOptions {
  readonly lanes: Lanes;
  readonly form: ServerForm;
  readonly batches: BatchWriter;
  readonly packets: PacketWriter;
  /** MariaDB: what a statement has written, it can answer. */
  readonly canReturn: boolean;
  /** `null`: nobody is rung, and nobody listens. */
  readonly bell: () => Bell | null;
}

/**
 * Names of which we know that others want them, too: their steps need the line. So many at most.
 */
const REMEMBERED = 10_000;

const NONE: Answers = new Map();

export class MysqlRunner {
  readonly #options: RunnerOptions;
  readonly #wanted = new Set<string>();
  /** Names whose row was locked for so long that we do not wait for it again. */
  readonly #stuck = new Set<string>();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  async run(steps: readonly SqlStep[]): Promise<readonly SqlAnswer[]> {
    const [only] = steps;
    if (steps.length === 1 && only !== undefined) return [await this.#runOne(only)];
    const batched: SqlStep[] = [];
    const single: SqlStep[] = [];
    for (const step of steps) {
      this.#expect(step);
      (this.#goesInBatch(step) ? batched : single).push(step);
    }
    const [ready, handled] = await Promise.all([
      this.#runPackets(single),
      this.#runBatches(batched),
    ]);
    const left = batched.filter(({ request }) => !handled.has(request.name));
    const answers = new Map([...ready, ...handled, ...(await this.#runPackets(left))]);
    return steps.map(({ request }) => answers.get(request.name));
  }

  /** A step that travels alone may wait for its row a little: nobody else is delayed. */
  async #runOne(step: SqlStep): Promise<SqlAnswer> {
    this.#expect(step);
    if (!this.#goesInBatch(step)) return this.#runPacket(step, true);
    const handled = await unlessStuck(() => this.#runAlone(step));
    const { name } = step.request;
    return handled.has(name) ? handled.get(name) : this.#runPacket(step, false);
  }

  async #runPackets(steps: readonly SqlStep[]): Promise<Answers> {
    const run = async (step: SqlStep): Promise<readonly [string, SqlAnswer]> => {
      return [step.request.name, await this.#runPacket(step, false)];
    };
    return steps.length === 0 ? NONE : new Map(await Promise.all(steps.map(run)));
  }

  /** A packet of its own for one step. */
  async #runPacket(step: SqlStep, isAlone: boolean): Promise<SqlAnswer> {
    const { name } = step.request;
    const manner = {
      rings: this.#options.bell() !== null,
      waits: isAlone && !this.#stuck.has(name),
    };
    try {
      const answer = await this.#send(step, manner);
      if (answer !== 'busy') this.#stuck.delete(name);
      return answer;
    } catch (error) {
      // Whom we rang has just ended: nothing was done. It will look by itself.
      if (errno(error) === NO_SUCH_THREAD) return this.#send(step, { ...manner, rings: false });
      if (!isTransient(error)) throw error;
      if (this.#stuck.size < REMEMBERED) this.#stuck.add(name);
      return 'busy';
    }
  }

  async #send(step: SqlStep, manner: PacketManner): Promise<SqlAnswer> {
    // Only a batch whose rows were locked leaves a renewal to us.
    if (step.kind === 'renew') return 'busy';
    const { form, lanes } = this.#options;
    const [row] = rowsIn(await form.step(lanes, this.#packet(step, manner)));
    return row === undefined ? this.#onNothing(step) : this.#read(step, row);
  }

  #packet(step: Exclude<SqlStep, { kind: 'renew' }>, manner: PacketManner): Packet {
    const { packets } = this.#options;
    switch (step.kind) {
      case 'acquire':
        return packets.acquire(step.request, manner);
      case 'release':
        return packets.release(step.request, manner);
      case 'leave':
        return packets.leave(step.request.name, step.request.owner, manner);
      case 'force':
        return packets.force(step.request.name, manner);
    }
  }

  /** No row of that name: nothing to give back, to leave or to end; but to be taken, by a batch. */
  async #onNothing(step: Exclude<SqlStep, { kind: 'renew' }>): Promise<SqlAnswer> {
    this.#remember(step.request.name, false);
    switch (step.kind) {
      case 'acquire':
        return 'busy';
      case 'release': {
        const { rejoin } = step.request;
        if (rejoin === null) return { released: false, rejoined: null };
        const rejoined = (await this.#takeMany([rejoin])).get(rejoin.name);
        return rejoined === undefined ? 'busy' : { released: false, rejoined: rejoined as Granted };
      }
      case 'leave':
        this.#options.bell()?.forget(step.request.owner);
        return undefined;
      case 'force':
        return false;
    }
  }

  #read(step: Exclude<SqlStep, { kind: 'renew' }>, row: MysqlRow): SqlAnswer {
    const gave = text(row.gave);
    const isBusy = gave === 'busy';
    // What is locked may be so for long: no statement that waits for it, then.
    this.#remember(step.request.name, isBusy || Number(row.waiting) > 0);
    if (isBusy) return step.kind === 'acquire' ? refusedUnread(step.request, row) : 'busy';
    switch (step.kind) {
      case 'acquire':
        return this.#answerOf(step.request, row);
      case 'release': {
        const { rejoin } = step.request;
        const rejoined = rejoin === null ? null : this.#answerOf(rejoin, row);
        return { released: gave === 'hand' || gave === 'rest', rejoined };
      }
      case 'leave':
        this.#options.bell()?.forget(step.request.owner);
        return undefined;
      case 'force':
        return gave === 'hand';
    }
  }

  /** `busy` in a `rejoin` is impossible: its row is ours by then. */
  #answerOf(request: AcquireRequest, row: MysqlRow): AcquireAnswer {
    const bell = this.#options.bell();
    const answer = readAcquire(row, bell?.isHeard ?? false);
    if (answer.granted) {
      bell?.forget(request.owner);
    } else {
      this.#remember(request.name, true);
      if (request.line === 'join') bell?.listen();
    }
    return answer;
  }

  #goesInBatch({ kind, request }: SqlStep): boolean {
    if (kind === 'renew') return true;
    if (kind !== 'acquire' && kind !== 'release') return false;
    // Who was rung has the lease for the taking.
    if (kind === 'acquire' && this.#options.bell()?.hasRung(request.owner) === true) return true;
    return !this.#wanted.has(request.name) && !('rejoin' in request && request.rejoin !== null);
  }

  /** Who may be handed the lease from now on, before the answer has come. */
  #expect({ kind, request }: SqlStep): void {
    const asked = kind === 'acquire' ? request : kind === 'release' ? request.rejoin : null;
    if (asked?.line === 'join') this.#options.bell()?.expect(asked.name, asked.owner);
  }

  #remember(name: string, isWanted: boolean): void {
    if (!isWanted) this.#wanted.delete(name);
    else if (this.#wanted.size < REMEMBERED) this.#wanted.add(name);
  }

  async #runAlone(step: SqlStep): Promise<Answers> {
    if (step.kind === 'acquire') return this.#takeOne(step.request);
    if (step.kind === 'release') return this.#freeOne(step.request);
    return this.#runBatches([step]);
  }

  async #runBatches(steps: readonly SqlStep[]): Promise<Answers> {
    // Sorted by bytes, as the index is: whoever locks several rows locks them in the same order.
    const sorted = [...steps].sort(byName);
    const take = sorted.flatMap((step) => (step.kind === 'acquire' ? [step.request] : []));
    const free = sorted.flatMap((step) => (step.kind === 'release' ? [step.request] : []));
    const renew = sorted.flatMap((step) => (step.kind === 'renew' ? [step.request] : []));
    const answers = await Promise.all([
      take.length === 0 ? NONE : unlessStuck(() => this.#takeMany(take)),
      free.length === 0 ? NONE : unlessStuck(() => this.#freeMany(free)),
      renew.length === 0 ? NONE : unlessStuck(() => this.#renewMany(renew)),
    ]);
    return new Map(answers.flatMap((some) => [...some]));
  }

  async #takeOne(request: AcquireRequest): Promise<Answers> {
    const { lanes, batches, canReturn } = this.#options;
    if (!canReturn) return this.#takeMany([request]);
    return this.#taken([request], rowsIn(await lanes.execute(batches.acquireOne(request))));
  }

  async #takeMany(requests: readonly AcquireRequest[]): Promise<Answers> {
    return this.#taken(requests, await this.#runBatch(this.#options.batches.acquire(requests)));
  }

  #taken(requests: readonly AcquireRequest[], rows: readonly MysqlRow[]): Answers {
    return readTaken(requests, rows, ({ name, owner, waiting }) => {
      if (owner !== null) this.#options.bell()?.forget(owner);
      this.#remember(name, waiting > 0);
    });
  }

  async #freeOne(request: ReleaseRequest): Promise<Answers> {
    const [result] = await this.#options.lanes.execute(this.#options.batches.releaseOne(request));
    return new Map(result?.affected === 1 ? [[request.name, RELEASED]] : []);
  }

  async #freeMany(requests: readonly ReleaseRequest[]): Promise<Answers> {
    return readFreed(requests, await this.#runBatch(this.#options.batches.release(requests)));
  }

  async #renewMany(requests: readonly RenewRequest[]): Promise<Answers> {
    return readRenewed(requests, await this.#runBatch(this.#options.batches.renew(requests)));
  }

  async #runBatch(statements: readonly string[]): Promise<readonly MysqlRow[]> {
    const { form, lanes } = this.#options;
    return rowsIn(await form.run(lanes, statements));
  }
}

/** Who will not wait may be refused by a row that others have locked: it shows its holder, too. */
function refusedUnread({ line, owner }: AcquireRequest, row: MysqlRow): SqlAnswer {
  const name = readName(row);
  if (line === 'join' || name.phase === 'free' || name.owner === owner) return 'busy';
  return refused(name, { ahead: name.waiting, firstEndsAt: null, pushed: false });
}

/** What met a locked row or was a deadlock's victim changed nothing: by a packet each, then. */
async function unlessStuck(work: () => Promise<Answers>): Promise<Answers> {
  try {
    return await work();
  } catch (error) {
    if (isTransient(error)) return NONE;
    throw error;
  }
}

function byName(one: SqlStep, other: SqlStep): number {
  return Buffer.compare(Buffer.from(one.request.name), Buffer.from(other.request.name));
}
