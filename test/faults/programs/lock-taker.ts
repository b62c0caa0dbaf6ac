/**
 * A process that takes locks and does as it is told: the victim of the fault tests. What it
 * believes it writes into a log, at once and in order, with the times of the machine's one
 * monotonic clock.
 *
 * argv: the store and the log, as JSON. Orders come by IPC: `{ id, order, … }`, and are answered
 * `{ id, ok, value }`.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { DataSource } from 'typeorm';
import type { HeldLock } from '../../../lib/core/held-lock.js';
import type { LockOptions } from '../../../lib/core/lock-options.js';
import { Locks } from '../../../lib/core/locks.js';
import { fencedTransaction } from '../../../lib/drivers/typeorm/index.js';
import { openStore, type StoreAddress } from './open-store.js';

/** What a taker can be told to do. */
export type Order =
  | { readonly order: 'take'; readonly name: string; readonly options?: LockOptions }
  | { readonly order: 'try'; readonly name: string; readonly options?: LockOptions }
  | { readonly order: 'release'; readonly name: string; readonly error?: string }
  | { readonly order: 'look'; readonly name: string }
  /** Blocks the event loop. */
  | { readonly order: 'block'; readonly ms: number }
  /** Adds one to a number in a table, under the lock in hand, in a fenced transaction. */
  | { readonly order: 'count-fenced'; readonly name: string; readonly pauseMs?: number }
  /** Rounds of read, think, write on a file that nothing but the lock protects. */
  | {
      readonly order: 'work';
      readonly name: string;
      readonly rounds: number;
      readonly witness: 'file' | 'table';
      readonly file: string;
      readonly options?: LockOptions;
    }
  | { readonly order: 'close'; readonly graceMs: number };

/** One line of the log. */
export interface Entry {
  readonly at: number;
  readonly taker: string;
  readonly what:
    | 'asked'
    | 'granted'
    | 'refused'
    | 'released'
    | 'lost'
    | 'body-began'
    | 'body-ended'
    /** One was added, and nothing can take it back. */
    | 'counted'
    | 'fence-refused'
    | 'store-error';
  readonly name: string;
  readonly token?: number;
  readonly previous?: string;
  /** Until when the taker believed without being told otherwise, on the same clock. */
  readonly until?: number;
  readonly error?: string;
}

export interface TakerConfig {
  readonly taker: string;
  readonly store: StoreAddress;
  readonly log: string;
}

const config = JSON.parse(process.argv[2] ?? '') as TakerConfig;
const now = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

function log(entry: Omit<Entry, 'at' | 'taker'>): void {
  const line: Entry = { at: now(), taker: config.taker, ...entry };
  appendFileSync(config.log, `${JSON.stringify(line)}\n`);
}

const { driver, dataSource } = await openStore(config.store);
const locks = new Locks({
  driver,
  storeTimeoutMs: 2_000,
  onEvent: (event) => {
    if (event.type === 'store-error') {
      log({ what: 'store-error', name: event.name, error: event.error.message });
    }
  },
});
const held = new Map<string, HeldLock>();

function watchOver(lock: HeldLock): HeldLock {
  const { name, token } = lock;
  const until = now() + lock.remainingMs;
  log({ what: 'granted', name, token, until, previous: lock.previous?.how ?? 'none' });
  lock.signal.addEventListener('abort', () => {
    log({ what: 'lost', name, token, error: String(lock.signal.reason) });
  });
  return lock;
}

function inHand(name: string): HeldLock {
  const lock = held.get(name);
  if (lock === undefined) throw new Error(`${config.taker} has no lock ${name}`);
  return lock;
}

function dataSourceOrThrow(): DataSource {
  if (dataSource === null) throw new Error('this store has no tables');
  return dataSource;
}

async function addOne(lock: HeldLock, pauseMs: number): Promise<void> {
  await fencedTransaction(dataSourceOrThrow(), lock, async (manager) => {
    const [row] = await manager.query<{ n: number }[]>('SELECT n FROM witness WHERE id = 1');
    await pause(pauseMs);
    await manager.query(`UPDATE witness SET n = ${Number(row?.n ?? 0) + 1} WHERE id = 1`);
  });
}

/** Read, think, write: two at once lose an update. */
async function addOneInFile(file: string): Promise<void> {
  const before = Number(readFileSync(file, 'utf8'));
  await pause(1);
  writeFileSync(file, String(before + 1));
}

async function work(order: Extract<Order, { order: 'work' }>): Promise<number> {
  const { name, rounds, witness, file, options } = order;
  let done = 0;
  while (done < rounds) {
    log({ what: 'asked', name });
    try {
      await locks.withLock(name, options ?? {}, async (lock) => {
        watchOver(lock);
        try {
          log({ what: 'body-began', name, token: lock.token });
          if (witness === 'file') await addOneInFile(file);
          else await addOne(lock, 1);
          log({ what: 'counted', name, token: lock.token });
        } finally {
          log({ what: 'body-ended', name, token: lock.token });
        }
      });
      done += 1;
    } catch (error) {
      const what = isLost(error) && witness === 'table' ? 'fence-refused' : 'refused';
      log({ what, name, error: String(error) });
    }
  }
  return done;
}

function isLost(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'LOCK_LOST';
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function obey(order: Order): Promise<unknown> {
  switch (order.order) {
    case 'take': {
      log({ what: 'asked', name: order.name });
      const lock = watchOver(await locks.acquire(order.name, order.options));
      held.set(order.name, lock);
      const { token, previous, owner } = lock;
      return { token, previous, owner };
    }
    case 'try': {
      const lock = await locks.tryAcquire(order.name, order.options);
      if (lock === null) return null;
      held.set(order.name, watchOver(lock));
      return { token: lock.token, previous: lock.previous, owner: lock.owner };
    }
    case 'release': {
      const lock = inHand(order.name);
      log({ what: 'released', name: order.name, token: lock.token });
      await lock.release(order.error === undefined ? undefined : new Error(order.error));
      return null;
    }
    case 'look': {
      const lock = inHand(order.name);
      return { held: lock.held, aborted: lock.signal.aborted };
    }
    case 'block': {
      const until = now() + order.ms;
      while (now() < until);
      return null;
    }
    case 'count-fenced':
      return addOne(inHand(order.name), order.pauseMs ?? 0);
    case 'work':
      return work(order);
    case 'close':
      await locks.drain(order.graceMs);
      await locks.close();
      await dataSource?.destroy();
      process.disconnect();
      return null;
  }
}

process.on('message', ({ id, ...order }: { readonly id: number } & Order) => {
  obey(order).then(
    (value) => process.connected && process.send?.({ id, ok: true, value }),
    (error: unknown) => {
      const { name, message, code } = error as Error & { code?: unknown };
      if (process.connected) process.send?.({ id, ok: false, value: { name, message, code } });
    },
  );
});
process.send?.({ id: 0, ok: true, value: null });
