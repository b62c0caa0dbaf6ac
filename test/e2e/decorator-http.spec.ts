/**
 * `@WithLock` among the decorators of a controller: above and below them, nothing of theirs is
 * lost.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  Injectable,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Redirect,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  Catch,
  createParamDecorator,
} from '@nestjs/common';
import type {
  CallHandler,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  ArgumentsHost,
  NestInterceptor,
  PipeTransform,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { map } from 'rxjs';
import type { Observable } from 'rxjs';

import { LockService, WithLock } from '../../lib/index.js';
import { closeApplications, startHttp } from './support/applications.js';

afterEach(closeApplications);

@Injectable()
class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const role = this.reflector.get<string | undefined>('role', context.getHandler());
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    return request.headers['role'] === role;
  }
}

class Wrapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((result: unknown) => ({ wrapped: result })));
  }
}

class TenTimes implements PipeTransform {
  transform(value: unknown): unknown {
    return typeof value === 'string' && /^\d+$/.test(value) ? `${value}0` : value;
  }
}

class Teapot extends Error {}

@Catch(Teapot)
class TeapotFilter implements ExceptionFilter {
  catch(_error: Teapot, host: ArgumentsHost): void {
    const response = host
      .switchToHttp()
      .getResponse<{ status(code: number): { json(body: object): void } }>();
    response.status(418).json({ teapot: true });
  }
}

const Caller = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  return context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['role'];
});

interface Seen {
  readonly id: number;
  readonly caller: string;
  readonly locked: boolean;
}

@Controller('above')
class AboveController {
  constructor(private readonly locks: LockService) {}

  @WithLock((id: number) => `resource:${id}`, 5_000)
  @Get('one/:id')
  @UseGuards(RolesGuard)
  @SetMetadata('role', 'admin')
  @UseInterceptors(Wrapping)
  @Header('x-kept', 'yes')
  @UsePipes(TenTimes)
  async one(@Param('id', ParseIntPipe) id: number, @Caller() caller: string): Promise<Seen> {
    return { id, caller, locked: this.locks.current(`resource:${id}`) !== null };
  }

  @WithLock('post', 5_000)
  @Post('post')
  @HttpCode(202)
  @UseFilters(TeapotFilter)
  async post(@Body() body: { fail?: boolean }, @Query('q') q: string): Promise<object> {
    if (body.fail === true) throw new Teapot();
    return { body, q };
  }

  @WithLock('redirect', 5_000)
  @Get('redirect')
  @Redirect('/elsewhere', 301)
  async redirect(): Promise<void> {}
}

@Controller('below')
class BelowController {
  constructor(private readonly locks: LockService) {}

  @Get('one/:id')
  @UseGuards(RolesGuard)
  @SetMetadata('role', 'admin')
  @UseInterceptors(Wrapping)
  @Header('x-kept', 'yes')
  @UsePipes(TenTimes)
  @WithLock((id: number) => `resource:${id}`, 5_000)
  async one(@Param('id', ParseIntPipe) id: number, @Caller() caller: string): Promise<Seen> {
    return { id, caller, locked: this.locks.current(`resource:${id}`) !== null };
  }

  @Post('post')
  @HttpCode(202)
  @UseFilters(TeapotFilter)
  @WithLock('post', 5_000)
  async post(@Body() body: { fail?: boolean }, @Query('q') q: string): Promise<object> {
    if (body.fail === true) throw new Teapot();
    return { body, q };
  }

  @Get('redirect')
  @Redirect('/elsewhere', 301)
  @WithLock('redirect', 5_000)
  async redirect(): Promise<void> {}
}

@Controller('between')
class BetweenController {
  constructor(private readonly locks: LockService) {}

  @Get('one/:id')
  @UseGuards(RolesGuard)
  @UsePipes(TenTimes)
  @WithLock((id: number) => `resource:${id}`, 5_000)
  @SetMetadata('role', 'admin')
  @UseInterceptors(Wrapping)
  @Header('x-kept', 'yes')
  async one(@Param('id', ParseIntPipe) id: number, @Caller() caller: string): Promise<Seen> {
    return { id, caller, locked: this.locks.current(`resource:${id}`) !== null };
  }
}

const controllers = [AboveController, BelowController, BetweenController];

describe.each(['above', 'below', 'between'])(
  'a route with @WithLock %s its decorators',
  (where) => {
    it('runs its guards, and refuses whom they refuse', async () => {
      const { url } = await startHttp({ controllers });

      const response = await fetch(`${url}/${where}/one/21`, { headers: { role: 'guest' } });

      expect(response.status).toBe(403);
    });

    it('runs its pipes, parameter decorators and interceptors, sets its headers, and holds the lock', async () => {
      const { url } = await startHttp({ controllers });

      const response = await fetch(`${url}/${where}/one/21`, { headers: { role: 'admin' } });

      expect(response.status).toBe(200);
      expect(response.headers.get('x-kept')).toBe('yes');
      expect(await response.json()).toEqual({
        wrapped: { id: 210, caller: 'admin', locked: true },
      });
    });

    it('refuses what its pipes refuse', async () => {
      const { url } = await startHttp({ controllers });

      const response = await fetch(`${url}/${where}/one/many`, { headers: { role: 'admin' } });

      expect(response.status).toBe(400);
    });
  },
);

describe.each(['above', 'below'])('a route with @WithLock %s its decorators', (where) => {
  const post = (url: string, body: object): Promise<Response> =>
    fetch(`${url}/${where}/post?q=7`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });

  it('answers with its status, body and query', async () => {
    const { url } = await startHttp({ controllers });

    const response = await post(url, { a: 1 });

    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ body: { a: 1 }, q: '7' });
  });

  it('leaves the errors of the body to its exception filters', async () => {
    const { url } = await startHttp({ controllers });

    const response = await post(url, { fail: true });

    expect(response.status).toBe(418);
    expect(await response.json()).toEqual({ teapot: true });
  });

  it('redirects', async () => {
    const { url } = await startHttp({ controllers });

    const response = await fetch(`${url}/${where}/redirect`, { redirect: 'manual' });

    expect(response.status).toBe(301);
    expect(response.headers.get('location')).toBe('/elsewhere');
  });
});
