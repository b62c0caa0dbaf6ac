/** The routes of the live page. */
import {
  BadRequestException,
  ConflictException,
  Controller,
  Get,
  Header,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  Sse,
  type MessageEvent,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { readNumber, readStore, UsageError, urlOf, type Arguments } from '../race/arguments.js';
import { ACTS } from '../race/race.js';
import { drawLivePage } from './live-page.js';
import { Theatre } from './theatre.js';

/** The token that the command line is injected by. */
export const LIVE_CONFIG = Symbol('LIVE_CONFIG');

@Controller()
export class LiveController {
  constructor(
    private readonly theatre: Theatre,
    @Inject(LIVE_CONFIG) private readonly config: Arguments,
  ) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  page(): string {
    return drawLivePage(this.config);
  }

  @Sse('events')
  events(): Observable<MessageEvent> {
    return this.theatre.scenes;
  }

  @Post('play/:act')
  @HttpCode(202)
  play(
    @Param('act') id: string,
    @Query('store') store: string,
    @Query('instances') instances: string,
  ): { playing: string } {
    const act = ACTS.find((one) => one.id === id);
    if (act === undefined) throw new BadRequestException(`There is no act ${JSON.stringify(id)}.`);
    if (!this.theatre.begin(act.id, this.#config(store, instances))) {
      throw new ConflictException('An act is being played; wait for its end.');
    }
    return { playing: act.title };
  }

  #config(storeText: string, instancesText: string): Arguments {
    try {
      const store = readStore(storeText);
      const url = store === this.config.store ? this.config.url : urlOf(store);
      const instances = readNumber('Instances', instancesText, 2, 50);
      // The port is the page's; the balancer takes a free one.
      return { ...this.config, port: 0, store, url, instances };
    } catch (error) {
      if (error instanceof UsageError) throw new BadRequestException(error.message);
      throw error;
    }
  }
}
