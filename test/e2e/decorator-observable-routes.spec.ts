/** `@WithLock` on routes that answer Observables: the lock is held until the answer is complete. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Sse } from '@nestjs/common';
import { interval, map, of, take } from 'rxjs';
import type { Observable } from 'rxjs';

import { LockService, WithLock } from '../../lib/index.js';
import { eventually } from '../support/eventually.js';
import { closeApplications, startHttp } from './support/applications.js';

afterEach(closeApplications);

@Controller()
class StreamController {
  @Get('last')
  @WithLock('last')
  last(): Observable<string> {
    return of('first', 'last');
  }

  @Get('promised')
  @WithLock('last')
  async promised(): Promise<Observable<string>> {
    return of('promised');
  }

  @Sse('events')
  @WithLock('events')
  events(): Observable<{ data: string }> {
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
