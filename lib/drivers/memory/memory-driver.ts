/**
 * The contract in this process's memory: for unit tests and for applications of one process. What a
 * step does is in `lock-steps.ts`, what is shared is in `memory-store.ts`; here is the process's
 * end.
 */
import type { LockState } from '../../core/lease.js';
import type {
  AcquireAnswer,
  AcquireRequest,
  ListQuery,
  LockDriver,
  ReleaseAnswer,
  ReleaseRequest,
  RenewRequest,
  Wake,
  WatchAnswer,
} from '../../core/lock-driver.js';
import { LockStoreError } from '../../core/lock-errors.js';
import { acquire, forceRelease, leave, release, renew } from '../../core/lock-steps.js';
import { MemoryStore, type MemoryStoreOptions } from './memory-store.js';

/** What `memoryLocks` takes; nothing of it is needed. */
export interface MemoryLocksOptions extends MemoryStoreOptions {
  /** What is shared with other drivers; the other options are then those of this store. */
  readonly store?: MemoryStore;
}

/**
 * Locks in the memory of this process. They exclude nothing outside it.
 *
 * @example
 * DistributedLockModule.forRoot({ driver: memoryLocks() })
 */
export function memoryLocks({ store, ...storeOptions }: MemoryLocksOptions = {}): LockDriver {
  return new MemoryDriver(store ?? new MemoryStore(storeOptions));
}

class MemoryDriver implements LockDriver {
  readonly storeName = 'memory';
  readonly #store: MemoryStore;
  #process: string | null = null;
  #closed = false;
  #stopListening: (() => void) | null = null;
  #hear: (wake: Wake) => void = () => undefined;

  constructor(store: MemoryStore) {
    this.#store = store;
  }

  open(process: string): Promise<void> {
    return atOnce(() => {
      if (this.#closed) throw new LockStoreError('', 'opened', new Error('the driver is closed'));
      if (this.#process !== null) return;
      this.#process = process;
      this.#stopListening = this.#store.listen(process, (wake) => {
        this.#hear(wake);
      });
    });
  }

  acquire(request: AcquireRequest): Promise<AcquireAnswer> {
    return this.#ask(request.name, 'acquired', (store) =>
      store.apply(request.name, (before, moment) => acquire(before, request, moment)),
    );
  }

  renew(requests: readonly RenewRequest[]): Promise<readonly boolean[]> {
    return this.#ask(requests[0]?.name ?? '', 'renewed', (store) =>
      requests.map((request) =>
        store.apply(request.name, (before, moment) => renew(before, request, moment)),
      ),
    );
  }

  release(request: ReleaseRequest): Promise<ReleaseAnswer> {
    return this.#ask(request.name, 'released', (store) =>
      store.apply(request.name, (before, moment) => release(before, request, moment)),
    );
  }

  leave(name: string, owner: string): Promise<void> {
    return this.#ask(name, 'left', (store) => {
      store.apply(name, (before, moment) => leave(before, owner, moment));
    });
  }

  inspect(name: string): Promise<LockState> {
    return this.#ask(name, 'inspected', (store) => store.inspect(name));
  }

  list(query: ListQuery): Promise<readonly LockState[]> {
    return this.#ask('', 'listed', (store) => store.list(query));
  }

  watch(name: string): Promise<WatchAnswer> {
    return this.#ask(name, 'watched', (store, process) => store.watch(name, process));
  }

  forceRelease(name: string): Promise<boolean> {
    return this.#ask(name, 'forced free', (store) => store.apply(name, forceRelease));
  }

  onWake(listener: (wake: Wake) => void): void {
    this.#hear = listener;
  }

  close(): Promise<void> {
    return atOnce(() => {
      this.#closed = true;
      this.#stopListening?.();
    });
  }

  #ask<T>(
    name: string,
    action: string,
    work: (store: MemoryStore, process: string) => T,
  ): Promise<T> {
    return atOnce(() => {
      if (this.#closed) throw new LockStoreError(name, action, new Error('the driver is closed'));
      if (this.#process === null) {
        throw new LockStoreError(name, action, new Error('the driver is not open'));
      }
      return work(this.#store, this.#process);
    });
  }
}

/** Done at once and in one piece; what it throws becomes a rejection. */
function atOnce<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work());
  });
}
