/**
 * `@WithLock` on crons, intervals and event listeners, which their modules look for in the
 * metadata of methods when the application starts.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Cron, Interval, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';

import { LockService, WithLock } from '../../lib/index.js';
import { MemoryStore, memoryLocks } from '../../lib/drivers/memory/index.js';
import { DistributedLockModule } from '../../lib/index.js';
import { eventually } from '../support/eventually.js';
import { closeApplications, gate, startContext } from './support/applications.js';

afterEach(closeApplications);

const NEVER = '0 0 1 1 *';

@Injectable()
class Jobs {
  readonly ran: string[] = [];
  release = gate();

  constructor(private readonly locks: LockService) {}

  @Cron(NEVER, { name: 'above' })
  @WithLock('cron', { waitMs: 0, whenHeld: 'skip' })
  async above(): Promise<void> {
    this.note('above', 'cron');
  }

  @WithLock('cron', { waitMs: 0, whenHeld: 'skip' })
  @Cron(NEVER, { name: 'below' })
  async below(): Promise<void> {
    this.note('below', 'cron');
  }

  @Cron(NEVER, { name: 'slow' })
  @WithLock('slow', { waitMs: 0, whenHeld: 'skip' })
  async slow(): Promise<void> {
    this.note('slow', 'slow');
    await this.release.opened;
  }

  @Interval('often', 10)
  @WithLock('interval')
  async often(): Promise<void> {
    this.note('often', 'interval');
  }

  note(what: string, lock: string): void {
    this.ran.push(this.locks.current(lock) === null ? `${what} unlocked` : what);
  }
}

@Injectable()
class Listeners {
  readonly heard: string[] = [];

  constructor(private readonly locks: LockService) {}

  @OnEvent('order.made')
  @WithLock((id: string) => `order:${id}`)
  async above(id: string): Promise<void> {
    this.heard.push(`above ${id} ${this.locks.current(`order:${id}`) !== null}`);
  }

  @WithLock((id: string) => `order:${id}`)
  @OnEvent('order.made')
  async below(id: string): Promise<void> {
    this.heard.push(`below ${id} ${this.locks.current(`order:${id}`) !== null}`);
  }
}

describe('a cron with @WithLock', () => {
  it.each(['above', 'below'])('is found and runs under its lock, @Cron being %s', async (name) => {
    const app = await startContext({ imports: [ScheduleModule.forRoot()], providers: [Jobs] });

    await app.get(SchedulerRegistry).getCronJob(name).fireOnTick();

    await eventually(() => app.get(Jobs).ran.includes(name));
  });

  it('runs on one instance, and is skipped by the others', async () => {
    const store = new MemoryStore();
    const instance = (): ReturnType<typeof startContext> =>
      startContext({
        imports: [
          ScheduleModule.forRoot(),
          DistributedLockModule.forRoot({ driver: memoryLocks({ store }) }),
        ],
        providers: [Jobs],
      });
    const one = await instance();
    const other = await instance();

    const first = one.get(Jobs).slow();
    await eventually(() => one.get(Jobs).ran.includes('slow'));
    await other.get(Jobs).slow();

    expect(other.get(Jobs).ran).not.toContain('slow');
    one.get(Jobs).release.open();
    await first;
  });
});

describe('an interval with @WithLock', () => {
  it('is found and runs under its lock', async () => {
    const app = await startContext({ imports: [ScheduleModule.forRoot()], providers: [Jobs] });

    await eventually(() => app.get(Jobs).ran.includes('often'));
  });
});

describe('a listener with @WithLock', () => {
  it('is found and runs under its lock, @OnEvent being above or below', async () => {
    const app = await startContext({
      imports: [EventEmitterModule.forRoot()],
      providers: [Listeners],
    });
    // Listeners are only connected once the application is up.
    await app.init();

    await app.get(EventEmitter2).emitAsync('order.made', '7');

    expect(app.get(Listeners).heard.sort()).toEqual(['above 7 true', 'below 7 true']);
  });
});
