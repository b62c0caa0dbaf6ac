/**
 * The resource that takes a minute to create. `ensureBare` and `ensure` differ by one line, the
 * decorator; everything else here is what a careful holder does with what the lock tells it.
 */
import { Inject, Injectable } from '@nestjs/common';
import { LockService, WithLock, type HeldLock } from 'nestjs-distributed-lock';
import { fencedTransaction } from 'nestjs-distributed-lock/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { INSTANCE_CONFIG, type InstanceConfig } from '../instance-config.js';
import { CreationEntity } from './creation.entity.js';
import { CreationError } from './creation-error.js';
import type { Request } from './progress.js';
import { ResourceEntity } from './resource.entity.js';

/** How the first creation goes wrong, for the later acts of the race. */
export type Mishap = 'none' | 'recoverable' | 'fatal' | 'hang';

const nameOf = (id: string): string => `resource:${id}`;

@Injectable()
export class ResourceService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly locks: LockService,
    @Inject(INSTANCE_CONFIG) private readonly config: InstanceConfig,
  ) {}

  find(id: string): Promise<ResourceEntity | null> {
    return this.dataSource.manager.findOneBy(ResourceEntity, { id });
  }

  /** The bug: two instances find nothing, and both create. */
  async ensureBare(id: string, mishap: Mishap, request: Request): Promise<ResourceEntity> {
    return this.#findOrCreate(id, mishap, request);
  }

  /** The cure: the same, on one instance at a time. */
  @WithLock(nameOf)
  async ensure(id: string, mishap: Mishap, request: Request): Promise<ResourceEntity> {
    return this.#findOrCreate(id, mishap, request);
  }

  async #findOrCreate(id: string, mishap: Mishap, request: Request): Promise<ResourceEntity> {
    const lock = this.locks.current(nameOf(id));
    const previous = lock?.previous?.how ?? 'none';
    if (lock !== null) request.tell('holding', { token: lock.token, previous });
    const existing = await this.find(id);
    if (existing !== null) {
      request.tell('reused');
      return existing;
    }
    // What the holder before us left behind decides what we do.
    const lastError = lock?.lastError as (Error & { code?: string }) | null | undefined;
    if (lastError?.code === 'NO_LICENCE') {
      throw new CreationError('NO_LICENCE', lastError.message);
    }
    const supplier = lastError?.code === 'SUPPLIER_DOWN' ? 'spare' : 'main';

    request.tell('creating');
    await this.#work(previous === 'none' ? mishap : 'none', lock?.signal);
    const made = await this.#save(id, supplier, lock);
    request.tell('created');
    return made;
  }

  /** The minute that it takes. */
  async #work(mishap: Mishap, signal: AbortSignal | undefined): Promise<void> {
    await pause(this.config.createMs / 2, signal);
    if (mishap === 'recoverable') throw new CreationError('SUPPLIER_DOWN', 'the supplier is down');
    if (mishap === 'fatal') throw new CreationError('NO_LICENCE', 'there is no licence for this');
    if (mishap === 'hang') await pause(120_000, signal);
    await pause(this.config.createMs / 2, signal);
  }

  /** Under a lock on this database, no commit is possible that comes too late. */
  #save(id: string, supplier: string, lock: HeldLock | null): Promise<ResourceEntity> {
    const write = async (manager: EntityManager): Promise<ResourceEntity> => {
      const createdBy = this.config.name;
      const made = manager.create(ResourceEntity, { id, createdBy, supplier });
      // An upsert, so that the race without a lock shows two creations and not a database error.
      await manager.upsert(ResourceEntity, made, ['id']);
      await manager.insert(CreationEntity, {
        resourceId: id,
        instance: createdBy,
        at: String(Date.now()),
        token: lock === null ? null : String(lock.token),
      });
      return made;
    };
    if (lock === null || this.config.store.kind === 'redis') {
      return this.dataSource.transaction(write);
    }
    return fencedTransaction(this.dataSource, lock, write);
  }
}

/** Ends early, with the reason, when the lock is lost. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
