/** `LockExceptionFilter`: what a client of HTTP, and of other transports, hears of a lock. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ConflictException, Controller, Get, Inject, Res, UseFilters } from '@nestjs/common';
import type { ArgumentsHost, HttpServer } from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';

import {
  LockError,
  LockExceptionFilter,
  LockHeldError,
  LockReentryError,
  LockService,
  LockShutdownError,
  LockStoreError,
  WithLock,
} from '../../lib/index.js';
import { closeApplications, startHttp } from './support/applications.js';

afterEach(closeApplications);

@Controller()
class Routes {
  @Inject(LockService) private readonly locks!: LockService;

  @Get('held')
  @WithLock('busy', { waitMs: 0 })
  async held(): Promise<void> {}

  @Get('timeout')
  @WithLock('busy', { waitMs: 10 })
  async timeout(): Promise<void> {}

  @Get('lost')
  @WithLock('lost')
  async lost(): Promise<void> {
    await this.locks.forceRelease('lost');
  }

  @Get('store')
  async store(): Promise<void> {
    throw new LockStoreError('a', 'acquired', new Error('ECONNREFUSED 10.0.0.7'));
  }

  @Get('shutdown')
  async shutdown(): Promise<void> {
    throw new LockShutdownError('a');
  }

  @Get('reentry')
  async reentry(): Promise<void> {
    throw new LockReentryError('a', 'host:1:x:1');
  }

  @Get('conflict')
  @WithLock('free')
  async conflict(): Promise<void> {
    throw new ConflictException('mine');
  }

  @Get('nearly')
  async nearly(): Promise<void> {
    throw new LockHeldError('a', { owner: 'host:1:x:1', remainingMs: 3, ahead: 0 });
  }

  @Get('sent')
  async sent(@Res() response: { write(text: string): void }): Promise<void> {
    response.write('half an answer');
    throw new LockHeldError('a', { owner: 'host:1:x:1', remainingMs: 3, ahead: 0 });
  }
}

@Controller('own')
@UseFilters(LockExceptionFilter)
class OwnRoutes extends Routes {}

const ways = [
  ['APP_FILTER', '', { providers: [{ provide: APP_FILTER, useClass: LockExceptionFilter }] }],
  ['@UseFilters', '/own', {}],
  ['useGlobalFilters', '', {}],
] as const;

describe.each(ways)('bound by %s', (way, prefix, metadata) => {
  async function start(): Promise<{ ask(path: string): Promise<Response>; locks: LockService }> {
    const { application, url } = await startHttp(
      {
        ...metadata,
        providers: [...('providers' in metadata ? metadata.providers : [])],
        controllers: [Routes, OwnRoutes],
      },
      (app) => {
        if (way !== 'useGlobalFilters') return;
        app.useGlobalFilters(new LockExceptionFilter(app.get(HttpAdapterHost).httpAdapter));
      },
    );
    return {
      ask: (path) => fetch(`${url}${prefix}/${path}`),
      locks: application.get(LockService),
    };
  }

  it.each([
    ['held', 'LOCK_HELD'],
    ['timeout', 'LOCK_WAIT_TIMEOUT'],
  ])('answers 423 with Retry-After: %s', async (path, code) => {
    const { ask, locks } = await start();
    await using _busy = await locks.acquire('busy', { ttlMs: 60_000 });

    const response = await ask(path);

    expect(response.status).toBe(423);
    const seconds = Number(response.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(30);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(await response.json()).toEqual({
      statusCode: 423,
      error: 'Locked',
      message: 'Somebody else is working on this; try again later.',
      code,
    });
  });

  it.each([
    ['lost', 409, 'LOCK_LOST'],
    ['store', 503, 'LOCK_STORE'],
    ['shutdown', 503, 'LOCK_SHUTDOWN'],
  ])('answers for %s with %i', async (path, status, code) => {
    const { ask } = await start();

    const response = await ask(path);

    expect(response.status).toBe(status);
    const body = await response.text();
    expect(JSON.parse(body)).toMatchObject({ statusCode: status, code });
    expect(body).not.toContain('10.0.0.7');
  });

  it('leaves a mistake of the program a 500, and tells nothing of it', async () => {
    const { ask } = await start();

    const response = await ask('reentry');

    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('host:1');
  });

  it('leaves the HttpExceptions of the body alone', async () => {
    const { ask } = await start();

    const response = await ask('conflict');

    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ message: 'mine' });
  });

  it('asks for a whole second at least', async () => {
    const { ask } = await start();

    expect((await ask('nearly')).headers.get('retry-after')).toBe('1');
  });

  it('ends an answer that was half sent', async () => {
    const { ask } = await start();

    expect(await (await ask('sent')).text()).toBe('half an answer');
  });
});

describe('outside of HTTP', () => {
  const error = new LockHeldError('a', { owner: 'host:1:x:1', remainingMs: 3, ahead: 0 });

  it('emits an exception to the client of a gateway', () => {
    const emit = jest.fn();
    const host = { getType: () => 'ws', switchToWs: () => ({ getClient: () => ({ emit }) }) };

    new LockExceptionFilter().catch(error, host as unknown as ArgumentsHost);

    expect(emit).toHaveBeenCalledWith('exception', expect.objectContaining({ code: 'LOCK_HELD' }));
  });

  it('sets no header on an answer that was half sent', () => {
    const adapter = { isHeadersSent: () => true, setHeader: jest.fn(), end: jest.fn() };
    const host = {
      getType: () => 'http',
      getArgByIndex: () => ({}),
      switchToHttp: () => ({ getResponse: () => ({}) }),
    };

    new LockExceptionFilter(adapter as unknown as HttpServer).catch(
      error,
      host as unknown as ArgumentsHost,
    );

    expect(adapter.setHeader).not.toHaveBeenCalled();
    expect(adapter.end).toHaveBeenCalledTimes(1);
  });

  it('throws on what it has no words for', () => {
    const host = { getType: () => 'graphql' } as unknown as ArgumentsHost;

    expect(() => new LockExceptionFilter().catch(error, host)).toThrow(LockError);
  });
});
