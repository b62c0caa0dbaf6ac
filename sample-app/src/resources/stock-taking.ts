/** The second use of a lock: a cron that fires on every instance and must work on one. */
import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { WithLock } from 'nestjs-distributed-lock';
import { DataSource } from 'typeorm';
import { ResourceEntity } from './resource.entity.js';

@Injectable()
export class StockTaking {
  readonly #logger = new Logger(StockTaking.name);

  constructor(private readonly dataSource: DataSource) {}

  @Cron(CronExpression.EVERY_MINUTE)
  @WithLock('stock-taking', { ttlMs: 20_000, waitMs: 0, whenHeld: 'skip', atLeastMs: 10_000 })
  async count(): Promise<number | undefined> {
    const count = await this.dataSource.manager.count(ResourceEntity);
    this.#logger.log(`${count} resources`);
    return count;
  }
}
