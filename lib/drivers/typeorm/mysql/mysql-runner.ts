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
import type { Bell } from './mysql-bell.js';
import type { Lanes, MysqlRow } from './mysql-connections.js';
import { errno, isTransient, NO_SUCH_THREAD } from './mysql-errors.js';
import type { PacketWriter } from './mysql-packet.js';
import { granted, readAcquire, readName, refused } from './mysql-rows.js';
import { text } from './mysql-text.js';

export interface RunnerOptions {
  readonly lanes: Lanes;
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

/** By name, which is unique in a run; what is not in it was left as it was. */
type Answers = ReadonlyMap<string, SqlAnswer>;
type Kinds = { readonly [Kind in SqlStep['kind']]: Extract<SqlStep, { kind: Kind }>['request'][] };

export class MysqlRunner {
  readonly #options: RunnerOptions;
  readonly #wanted = new Set<string>();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  async run(steps: readonly SqlStep[]): Promise<readonly SqlAnswer[]> {
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

  async #runPackets(steps: readonly SqlStep[]): Promise<Answers> {
    return new Map(
      await Promise.all(
        steps.map(async (step) => [step.request.name, await this.#runPacket(step)] as const),
      ),
    );
  }

  /** A packet of its own for one step. */
  async #runPacket(step: SqlStep): Promise<SqlAnswer> {
    try {
      return await this.#send(step, this.#options.bell() !== null);
    } catch (error) {
      // Whom we rang has just ended: nothing was done. It will look by itself.
      if (errno(error) === NO_SUCH_THREAD) return this.#send(step, false);
      if (isTransient(error)) return 'busy';
      throw error;
    }
  }

  async #send(step: SqlStep, ring: boolean): Promise<SqlAnswer> {
    // Only a batch whose rows were locked leaves a renewal to us.
    if (step.kind === 'renew') return 'busy';
    const results = await this.#options.lanes.run(this.#statements(step, ring));
    const row = results.find(({ rows }) => rows.length > 0)?.rows[0];
    if (row === undefined) throw new Error('the database answered nothing');
    if (step.kind !== 'release' || row.name !== null) return this.#read(step, row);
    // Nothing is there to give back. What is asked for instead, a batch can make.
    const { rejoin } = step.request;
    const rejoined = rejoin === null ? null : (await this.#acquireMany([rejoin])).get(rejoin.name);
    return rejoined === undefined ? 'busy' : { released: false, rejoined: rejoined as Granted };
  }

  #statements(step: Exclude<SqlStep, { kind: 'renew' }>, ring: boolean): readonly string[] {
    const { packets } = this.#options;
    switch (step.kind) {
      case 'acquire':
        return packets.acquire(step.request);
      case 'release':
        return packets.release(step.request, ring);
      case 'leave':
        return packets.leave(step.request.name, step.request.owner, ring);
      case 'force':
        return packets.force(step.request.name, ring);
    }
  }

  #read(step: Exclude<SqlStep, { kind: 'renew' }>, row: MysqlRow): SqlAnswer {
    const gave = text(row.gave);
    const isThere = row.name !== null;
    this.#remember(step.request.name, isThere && Number(row.waiting) > 0);
    // Not there: nothing to give back, to leave or to end. But to be taken, by the next batch.
    const isBusy = gave === 'busy' && (isThere || step.kind === 'acquire');
    if (isBusy) return 'busy';
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

  async #runBatches(steps: readonly SqlStep[]): Promise<Answers> {
    const kinds: Kinds = { acquire: [], release: [], renew: [], leave: [], force: [] };
    // Sorted by bytes, as the index is: whoever locks several rows locks them in the same order.
    for (const { kind, request } of [...steps].sort(byName))
      (kinds[kind] as unknown[]).push(request);
    const { acquire, release, renew } = kinds;
    const answers = await Promise.all([
      this.#unlessStuck(acquire, () => this.#acquireMany(acquire)),
      this.#unlessStuck(release, () => this.#releaseMany(release)),
      this.#unlessStuck(renew, () => this.#renewMany(renew)),
    ]);
    return new Map(answers.flatMap((some) => [...some]));
  }

  /** A batch that met a locked row or was a deadlock's victim changed nothing: one by one, then. */
  async #unlessStuck(requests: readonly unknown[], work: () => Promise<Answers>): Promise<Answers> {
    if (requests.length === 0) return new Map();
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error)) throw error;
      return new Map();
    }
  }

  async #acquireMany(requests: readonly AcquireRequest[]): Promise<Answers> {
    const { lanes, batches, canReturn } = this.#options;
    const [only] = requests;
    const result =
      only !== undefined && requests.length === 1 && canReturn
        ? await lanes.execute(batches.acquireOne(only))
        : (await lanes.run(batches.acquire(requests))).at(-1);
    const rows = indexed(result?.rows);
    const answers = new Map<string, SqlAnswer>();
    for (const { name, owner, line } of requests) {
      const found = rows.get(name);
      if (found === undefined) continue;
      const row = readName(found);
      if (row.owner === owner && row.phase === 'held' && row.since === row.now) {
        this.#options.bell()?.forget(owner);
        this.#remember(name, row.waiting > 0);
        answers.set(name, granted(row));
      } else if (
        line === 'none' &&
        row.phase === 'held' &&
        row.owner !== owner &&
        row.waiting === 0
      ) {
        answers.set(name, refused(row, { ahead: 0, firstEndsAt: null, pushed: false }));
      }
    }
    return answers;
  }

  async #releaseMany(requests: readonly ReleaseRequest[]): Promise<Answers> {
    const answers = new Map<string, SqlAnswer>();
    const [only] = requests;
    const done: SqlAnswer = { released: true, rejoined: null };
    if (only !== undefined && requests.length === 1) {
      const result = await this.#options.lanes.execute(this.#options.batches.releaseOne(only));
      if (result?.affected === 1) answers.set(only.name, done);
      return answers;
    }
    const results = await this.#options.lanes.run(this.#options.batches.release(requests));
    const rows = indexed(results.at(-2)?.rows);
    for (const { name, owner } of requests) {
      const row = rows.get(name);
      if (row === undefined || Number(row.phase) !== 0) continue;
      const isOurs = text(row.ending_owner) === owner && Number(row.used_at) === Number(row.now);
      if (isOurs) answers.set(name, done);
    }
    return answers;
  }

  async #renewMany(requests: readonly RenewRequest[]): Promise<Answers> {
    const results = await this.#options.lanes.run(this.#options.batches.renew(requests));
    const rows = indexed(results.at(-2)?.rows);
    const answers = new Map<string, SqlAnswer>();
    for (const { name, owner } of requests) {
      const found = rows.get(name);
      const row = found === undefined ? null : readName(found);
      const isOurs = row?.owner === owner && row.phase === 'held';
      // Ours and alive, but as it was: somebody has the row locked just now.
      answers.set(name, !isOurs ? false : row.usedAt === row.now ? true : 'busy');
    }
    return answers;
  }
}

function byName(one: SqlStep, other: SqlStep): number {
  return Buffer.compare(Buffer.from(one.request.name), Buffer.from(other.request.name));
}

function indexed(rows: readonly MysqlRow[] = []): ReadonlyMap<string, MysqlRow> {
  return new Map(rows.map((row) => [text(row.name), row]));
}
