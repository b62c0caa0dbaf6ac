/** `@WithLock` on routes that answer Observables: the lock is held until the answer is complete. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Sse } from '@nestjs/common';
import * as rx from 'rxjs';
import { interval, lastValueFrom, map, of, take } from 'rxjs';
import type { Observable } from 'rxjs';

import { LockService, WithLock } from '../../lib/index.js';
import { eventually } from '../support/eventually.js';
import { closeApplications, startHttp } from './support/applications.js';

afterEach(closeApplications);

@Controller()
class TypedController {
  // Nothing at run time tells of the return type: Observable is imported as a type alone.
  @Get()
  @WithLock('typed', { waitMs: 0 })
  typed(): Observable<string> {
    return of('typed');
  }
}

describe('a method whose return type is not known at run time', () => {
  it('works as a route', async () => {
    const { application, url } = await startHttp({ controllers: [TypedController] });

    expect(await (await fetch(url)).text()).toBe('typed');
    expect(await application.get(LockService).list()).toEqual([]);
  });

  it('says so to whom takes its answer for an Observable', async () => {
    const { application } = await startHttp({ controllers: [TypedController] });

    const answer = application.get(TypedController).typed();

    expect(() => answer.subscribe()).toThrow(/^TypedController\.typed\(\) answers a promise/);
    expect(() => answer.pipe(take(1))).toThrow('import Observable as a value');
    // Awaited, it is an Observable, and its end gives the lock back.
    expect(await lastValueFrom(await (answer as unknown as Promise<Observable<string>>))).toBe(
      'typed',
    );
  });
});

@Controller()
class StreamController {
  @Get('last')
  @WithLock('last')
  last(): rx.Observable<string> {
    return of('first', 'last');
  }

  @Get('promised')
  @WithLock('last')
  async promised(): Promise<rx.Observable<string>> {
    return of('promised');
  }

  @Sse('events')
  @WithLock('events')
  events(): rx.Observable<{ data: string }> {
    return interval(5).pipe(
      take(3),
      map((n) => ({ data: `event ${n}` })),
    );
  }
}

describe('a route that answers an Observable', () => {
  it('answers its last value, and events as they come', async () => {
    const { application, url } = await startHttp({ controllers: [StreamController] });

    expect(await (await fetch(`${url}/last`)).text()).toBe('last');
    expect(await (await fetch(`${url}/promised`)).text()).toBe('promised');
    expect(await (await fetch(`${url}/events`)).text()).toMatch(/event 0\n.*event 1\n.*event 2\n/s);

    const locks = application.get(LockService);
    await eventually(async () => (await locks.list()).length === 0);
  });
});
