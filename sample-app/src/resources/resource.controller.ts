/** The routes: create a resource if it does not exist, look at it, count all, look at the locks. */
import {
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Query,
  UseFilters,
} from '@nestjs/common';
import { LockExceptionFilter, LockService, type LockState } from 'nestjs-distributed-lock';
import { CreationErrorFilter } from './creation-error.js';
import { Progress } from './progress.js';
import type { ResourceEntity } from './resource.entity.js';
import { ResourceService, type Mishap } from './resource.service.js';
import { StockTaking } from './stock-taking.js';

@Controller()
@UseFilters(LockExceptionFilter, CreationErrorFilter)
export class ResourceController {
  constructor(
    private readonly resources: ResourceService,
    private readonly locks: LockService,
    private readonly stock: StockTaking,
    private readonly progress: Progress,
  ) {}

  @Post('resources/:id')
  @HttpCode(200)
  async ensure(
    @Param('id') id: string,
    @Query('lock') lock = 'on',
    @Query('mishap') mishap: Mishap = 'none',
  ): Promise<ResourceEntity> {
    const request = this.progress.begin(id);
    request.tell('asked');
    try {
      if (lock === 'off') return await this.resources.ensureBare(id, mishap, request);
      request.tell('waiting');
      return await this.resources.ensure(id, mishap, request);
    } catch (error) {
      request.tell('failed', { error: String(error) });
      throw error;
    }
  }

  @Get('resources/:id')
  async find(@Param('id') id: string): Promise<ResourceEntity> {
    const found = await this.resources.find(id);
    if (found === null) throw new NotFoundException(`There is no resource ${JSON.stringify(id)}.`);
    return found;
  }

  /** `LockService` used directly: who holds what, and since when. */
  @Get('locks')
  list(): Promise<readonly LockState[]> {
    return this.locks.list({ prefix: 'resource:' });
  }

  /** What the cron does, by hand: `counted` is `null` where another instance is at it. */
  @Post('stock-takings')
  @HttpCode(200)
  async takeStock(): Promise<{ counted: number | null }> {
    return { counted: (await this.stock.count()) ?? null };
  }

  @Get('health')
  health(): { status: string } {
    return { status: 'ok' };
  }
}
