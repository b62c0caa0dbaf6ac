/**
 * The resource that takes a minute to create. `ensureBare` and `ensure` differ by one line, the
 * decorator; everything else here is what a careful holder does with what the lock tells it.
 */
import { Inject, Injectable, InternalServerErrorException } from '@nestjs/common';
import { LockService, WithLock, type HeldLock } from 'nestjs-distributed-lock';
import { fencedTransaction } from 'nestjs-distributed-lock/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { INSTANCE_CONFIG, type InstanceConfig } from '../instance-config.js';
import { CreationEntity } from './creation.entity.js';
import { CreationError } from './creation-error.js';
import { Progress, type Request } from './progress.js';
import { ResourceEntity } from './resource.entity.js';

/** How the first creation goes wrong, for the later acts of the race. */
export type Mishap = 'none' | 'recoverable' | 'fatal' | 'hang';

const nameOf = (id: string): string => `resource:${id}`;

@Injectable()
export class ResourceService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly locks: LockService,
    private readonly progress: Progress,
    @Inject(INSTANCE_CONFIG) private readonly config: InstanceConfig,
  ) {}

  find(id: string): Promise<ResourceEntity | null> {
    return this.dataSource.manager.findOneBy(ResourceEntity, { id });
  }

  /** The bug: two instances find nothing, and both create. */
  async ensureBare(id: string): Promise<ResourceEntity> {
    const request = this.progress.begin(id);
    request.tell('asked');
    return this.#findOrCreate(id, 'none', request);
  }

  /** Asks for the lock, and says so. */
  async ensure(id: string, mishap: Mishap = 'none'): Promise<ResourceEntity> {
    const request = this.progress.begin(id);
    request.tell('asked');
    request.tell('waiting');
    try {
      return await this.ensureAlone(id, mishap, request);
    } catch (error) {
      request.tell('failed', { error: error instanceof Error ? error.name : String(error) });
      throw error;
    }
  }

  /** The cure: the same, on one instance at a time. */
  @WithLock((id: string) => nameOf(id))
  async ensureAlone(id: string, mishap: Mishap, request: Request): Promise<ResourceEntity> {
    return this.#findOrCreate(id, mishap, request);
  }

  async #findOrCreate(id: string, mishap: Mishap, request: Request): Promise<ResourceEntity> {
    const lock = this.locks.current(nameOf(id));
    if (lock !== null) {
      const previous = lock.previous?.how ?? 'none';
      request.tell('holding', { token: lock.token, previous });
    }
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

    request.tell('creating', lock === null ? {} : { token: lock.token });
    const first = lock === null || lock.previous === null;
    await this.#work(first ? mishap : 'none', lock?.signal);
    const made = await this.#save(id, supplier, lock);
    request.tell('created', lock === null ? {} : { token: lock.token });
    return made;
  }

  /** The minute that it takes. */
  async #work(mishap: Mishap, signal: AbortSignal | undefined): Promise<void> {
    await pause(this.config.createMs / 2, signal);
    if (mishap === 'recoverable') throw new CreationError('SUPPLIER_DOWN', 'the supplier is down');
    if (mishap === 'fatal') throw new CreationError('NO_LICENCE', 'there is no licence for this');
    if (mishap === 'hang') await pause(60_000, signal);
    await pause(this.config.createMs / 2, signal);
  }

  /** Under a lock on this database, no commit is possible that comes too late. */
  #save(id: string, supplier: string, lock: HeldLock | null): Promise<ResourceEntity> {
    const write = async (manager: EntityManager): Promise<ResourceEntity> => {
      const createdBy = this.config.name;
      const made = manager.create(ResourceEntity, { id, createdBy, supplier });
      await manager.insert(CreationEntity, {
        resourceId: id,
        instance: createdBy,
        at: String(Date.now()),
        token: lock === null ? null : String(lock.token),
      });
      // An upsert, so that the race without a lock shows two creations and not a database error.
      await manager.upsert(ResourceEntity, made, ['id']);
      return made;
    };
    if (lock === null || this.config.store.kind === 'redis') {
      return this.dataSource.transaction(write);
    }
    return fencedTransaction(this.dataSource, lock, write);
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason instanceof Error ? signal.reason : new InternalServerErrorException());
    });
  });
}
