/**
 * A process that takes locks and does as it is told: the victim of the fault tests. What it
 * believes it writes into a log.
 *
 * argv: the store and the log, as JSON. Orders come by IPC: `{ id, order, … }`, and are answered
 * `{ id, ok, value }`.
 */
import type { HeldLock } from '../../../lib/core/held-lock.js';
import type { LockOptions } from '../../../lib/core/lock-options.js';
import { Locks } from '../../../lib/core/locks.js';
import { Diary, now } from './diary.js';
import { openStore, type StoreAddress } from './open-store.js';
import { countInFile, countInTable } from './witness.js';

/** What a taker can be told to do. */
export type Order =
  | { readonly order: 'take'; readonly name: string; readonly options?: LockOptions }
  | { readonly order: 'try'; readonly name: string; readonly options?: LockOptions }
  | { readonly order: 'release'; readonly name: string; readonly error?: string }
  | { readonly order: 'look'; readonly name: string }
  /** Blocks the event loop. */
  | { readonly order: 'block'; readonly ms: number }
  /** Counts in a table under the lock in hand, guarded by its token; lingers before the commit. */
  | { readonly order: 'count'; readonly name: string; readonly lingerMs?: number }
  /** Rounds of taking, counting and giving back. */
  | Work
  /** How the next body at work is to be. */
  | ({ readonly order: 'next-body' } & Manner)
  | { readonly order: 'close'; readonly graceMs: number };

export interface Work {
  readonly order: 'work';
  readonly name: string;
  readonly rounds: number;
  readonly witness: 'file' | 'table';
  readonly file?: string;
  readonly options?: LockOptions;
}

/** How long a body thinks, and where it stops itself, until somebody lets it go on. */
export interface Manner {
  readonly thinkMs?: number;
  readonly stop?: 'before-write' | 'before-commit';
}

export interface TakerConfig {
  readonly taker: string;
  readonly store: StoreAddress;
  readonly log: string;
}

const config = JSON.parse(process.argv[2] ?? '') as TakerConfig;
const diary = new Diary(config.log, config.taker);
const store = await openStore(config.store);
const locks = new Locks({
  driver: store.driver,
  storeTimeoutMs: 2_000,
  onEvent: (event) => {
    if (event.type === 'store-error') {
      diary.write({ what: 'store-error', name: event.name, error: event.error.message });
    }
  },
});
const held = new Map<string, HeldLock>();
let nextBody: Manner = {};

/** Locks that are believed in, and until when the diary says so. */
const believed = new Map<HeldLock, number>();
const renew = store.driver.renew.bind(store.driver);
store.driver.renew = (requests) => {
  const answers = renew(requests);
  // `setImmediate`: the library is to hear of it before we ask what it makes of it.
  answers.then(
    () => setImmediate(writeRenewals),
    () => undefined,
  );
  return answers;
};

function writeRenewals(): void {
  for (const [lock, before] of believed) {
    const { name, token, held: isHeld } = lock;
    if (!isHeld) believed.delete(lock);
    const until = now() + lock.remainingMs;
    if (!isHeld || until < before + 1) continue;
    believed.set(lock, until);
    diary.write({ what: 'renewed', name, token, until });
  }
}

function watchOver(lock: HeldLock): HeldLock {
  const { name, token } = lock;
  const until = now() + lock.remainingMs;
  believed.set(lock, until);
  diary.write({ what: 'granted', name, token, until, previous: lock.previous?.how ?? 'none' });
  lock.signal.addEventListener('abort', () => {
    diary.write({ what: 'lost', name, token, error: String(lock.signal.reason) });
  });
  return lock;
}

function inHand(name: string): HeldLock {
  const lock = held.get(name);
  if (lock === undefined) throw new Error(`${config.taker} has no lock ${name}`);
  return lock;
}

async function work(order: Work): Promise<number> {
  let done = 0;
  while (done < order.rounds) {
    let token: number | undefined;
    diary.write({ what: 'asked', name: order.name });
    try {
      await locks.withLock(order.name, order.options ?? {}, (lock) => {
        token = lock.token;
        return body(watchOver(lock), order);
      });
      done += 1;
    } catch (error) {
      const { code } = error as { readonly code?: string };
      const { name } = order;
      diary.write({
        what: 'refused',
        name,
        error: String(error),
        ...(token !== undefined && { token }),
        ...(code !== undefined && { code }),
      });
    }
  }
  return done;
}

async function body(lock: HeldLock, { witness, file = '' }: Work): Promise<void> {
  const { name, token } = lock;
  const { thinkMs = 1, stop } = nextBody;
  nextBody = {};
  const stopIf = async (here: Manner['stop']): Promise<void> => {
    if (stop !== here) return;
    diary.write({ what: 'stopped', name, token });
    process.kill(process.pid, 'SIGSTOP');
    // Awake again: what is overdue comes first.
    await pause(1);
  };
  const think = async (): Promise<void> => {
    await pause(thinkMs);
    await stopIf('before-write');
  };
  const linger = (): Promise<void> => stopIf('before-commit');
  diary.write({ what: 'body-began', name, token });
  try {
    if (witness === 'file') await countInFile(file, think);
    else await countInTable(await store.data(), lock, think, linger);
    diary.write({ what: 'counted', name, token });
  } finally {
    diary.write({ what: 'body-ended', name, token });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function obey(order: Order): Promise<unknown> {
  switch (order.order) {
    case 'take': {
      diary.write({ what: 'asked', name: order.name });
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
      diary.write({ what: 'released', name: order.name, token: lock.token });
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
    case 'count': {
      const { lingerMs = 0 } = order;
      const linger = (): Promise<void> => pause(lingerMs);
      await countInTable(await store.data(), inHand(order.name), () => pause(0), linger);
      return null;
    }
    case 'work':
      return work(order);
    case 'next-body':
      nextBody = order;
      return null;
    case 'close':
      await locks.drain(order.graceMs);
      await locks.close();
      await store.close();
      process.off('disconnect', die).disconnect();
      return null;
  }
}

/** Whoever gave the orders is gone. */
function die(): void {
  process.exit();
}

process.on('disconnect', die);
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
