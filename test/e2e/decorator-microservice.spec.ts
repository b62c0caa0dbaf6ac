/** `@WithLock` on the handlers of a microservice, over TCP. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Controller, Injectable, ParseIntPipe, UseFilters, UseGuards } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  Transport,
} from '@nestjs/microservices';
import type { ClientProxy } from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom, of, toArray } from 'rxjs';
import type { Observable } from 'rxjs';

import { LockExceptionFilter, LockService, WithLock } from '../../lib/index.js';
import { eventually } from '../support/eventually.js';
import { closeApplications, closeLater, moduleOf, withLocks } from './support/applications.js';

const clients: ClientProxy[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await closeApplications();
});

@Injectable()
class OddGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return Number(context.switchToRpc().getData()) % 2 === 1;
  }
}

const heard: string[] = [];

@Controller()
class Handlers {
  constructor(private readonly locks: LockService) {}

  @MessagePattern('above')
  @UseGuards(OddGuard)
  @WithLock((id: number) => `job:${id}`)
  async above(@Payload(ParseIntPipe) id: number): Promise<object> {
    return { id, locked: this.locks.current(`job:${id}`) !== null };
  }

  @WithLock((id: number) => `job:${id}`)
  @MessagePattern('below')
  @UseGuards(OddGuard)
  async below(@Payload(ParseIntPipe) id: number): Promise<object> {
    return { id, locked: this.locks.current(`job:${id}`) !== null };
  }

  @WithLock('stream')
  @MessagePattern('stream')
  stream(): Observable<number> {
    return of(1, 2, 3);
  }

  @EventPattern('event')
  @WithLock('event')
  async event(@Payload() what: string): Promise<void> {
    heard.push(`${what} ${this.locks.current('event') !== null}`);
  }

  @MessagePattern('busy')
  @UseFilters(LockExceptionFilter)
  @WithLock('taken', { waitMs: 0 })
  async busy(): Promise<string> {
    return 'ran';
  }
}

async function start(): Promise<{ client: ClientProxy; locks: LockService }> {
  const port = await freePort();
  const options = { host: '127.0.0.1', port };
  const service = closeLater(
    await NestFactory.createMicroservice(moduleOf(withLocks({ controllers: [Handlers] })), {
      transport: Transport.TCP,
      options,
      logger: false,
    }),
  );
  await service.listen();
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
  clients.push(client);
  return { client, locks: service.get(LockService) };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

describe('a message handler with @WithLock', () => {
  it.each(['above', 'below'])(
    'runs its pipes and holds the lock, @MessagePattern being %s',
    async (pattern) => {
      const { client } = await start();

      const answer: unknown = await firstValueFrom(client.send(pattern, '7'));

      expect(answer).toEqual({ id: 7, locked: true });
    },
  );

  it.each(['above', 'below'])('runs its guards, @MessagePattern being %s', async (pattern) => {
    const { client } = await start();

    const answer = firstValueFrom(client.send(pattern, '8'));

    await expect(answer).rejects.toMatchObject({ message: 'Forbidden resource' });
  });

  it('may answer a stream', async () => {
    const { client, locks } = await start();

    const answer = await lastValueFrom(client.send<number>('stream', {}).pipe(toArray()));

    expect(answer).toEqual([1, 2, 3]);
    expect(await locks.tryAcquire('stream')).not.toBeNull();
  });

  it('hears events', async () => {
    const { client } = await start();

    client.emit('event', 'hello');

    await eventually(() => heard.includes('hello true'));
  });

  it('tells its client of a busy lock through LockExceptionFilter', async () => {
    const { client, locks } = await start();
    await using _taken = await locks.acquire('taken');

    const answer = firstValueFrom(client.send('busy', {}));

    await expect(answer).rejects.toMatchObject({ status: 'error', code: 'LOCK_HELD' });
  });
});
