/** The routes: create a resource if it does not exist, look at it, and look at the locks. */
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
import type { ResourceEntity } from './resource.entity.js';
import { ResourceService, type Mishap } from './resource.service.js';

@Controller()
@UseFilters(LockExceptionFilter, CreationErrorFilter)
export class ResourceController {
  constructor(
    private readonly resources: ResourceService,
    private readonly locks: LockService,
  ) {}

  @Post('resources/:id')
  @HttpCode(200)
  ensure(
    @Param('id') id: string,
    @Query('lock') lock = 'on',
    @Query('mishap') mishap: Mishap = 'none',
  ): Promise<ResourceEntity> {
    return lock === 'off' ? this.resources.ensureBare(id) : this.resources.ensure(id, mishap);
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

  @Get('health')
  health(): { status: string } {
    return { status: 'ok' };
  }
}
