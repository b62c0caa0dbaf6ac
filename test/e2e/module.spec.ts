/** `DistributedLockModule`: its forms, its names, and how it refuses what cannot be meant. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Inject, Injectable, Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';

import { MemoryStore, memoryLocks } from '../../lib/drivers/memory/index.js';
import {
  DistributedLockModule,
  InjectLockService,
  LockService,
  WithLock,
  getLockServiceToken,
} from '../../lib/index.js';
import type { DistributedLockOptions, DistributedLockOptionsFactory } from '../../lib/index.js';
import { closeApplications, closeLater, moduleOf, startContext } from './support/applications.js';

afterEach(closeApplications);

const STORE = Symbol('store');

@Injectable()
class LockConfig implements DistributedLockOptionsFactory {
  constructor(@Inject(STORE) private readonly store: MemoryStore) {}

  async createDistributedLockOptions(): Promise<DistributedLockOptions> {
    return { driver: memoryLocks({ store: this.store }) };
  }
}

/** What holds the settings of an application; another module imports it. */
function configModule(store: MemoryStore): DynamicModule {
  @Module({})
  class ConfigModule {}
  const providers = [{ provide: STORE, useValue: store }, LockConfig];
  return { module: ConfigModule, providers, exports: providers };
}

describe('forRootAsync', () => {
  it.each([
    [
      'useFactory',
      {
        inject: [STORE],
        useFactory: async (store: MemoryStore) => ({ driver: memoryLocks({ store }) }),
      },
    ],
    ['useClass', { useClass: LockConfig }],
    ['useExisting', { useExisting: LockConfig }],
  ])('takes its options by %s', async (_form, how) => {
    const store = new MemoryStore();
    const imports = [configModule(store)];
    const app = await startContext({
      imports: [DistributedLockModule.forRootAsync({ imports, ...how })],
    });

    await using _lock = await app.get(LockService).acquire('a');

    expect(store.inspect('a').phase).toBe('held');
  });

  it('takes name and isGlobal beside the factory', async () => {
    const app = await startContext({
      imports: [
        DistributedLockModule.forRootAsync({
          name: 'critical',
          isGlobal: false,
          useFactory: () => ({ driver: memoryLocks() }),
        }),
      ],
    });

    expect(app.get(getLockServiceToken('critical'), { strict: false })).toBeInstanceOf(LockService);
    expect(() => app.get(LockService, { strict: false })).toThrow();
  });
});

@Injectable()
class Worker {
  constructor(
    readonly locks: LockService,
    @InjectLockService() readonly same: LockService,
    @InjectLockService('critical') readonly critical: LockService,
  ) {}

  @WithLock('work')
  async normal(): Promise<boolean[]> {
    return this.held();
  }

  @WithLock('work', { service: 'critical' })
  async important(): Promise<boolean[]> {
    return this.held();
  }

  @WithLock('work', { service: 'critical' })
  async both(): Promise<boolean[]> {
    return this.normal();
  }

  held(): boolean[] {
    return [this.locks, this.critical].map((locks) => locks.current('work') !== null);
  }
}

describe('named services', () => {
  const named = (): Parameters<typeof startContext>[0] => ({
    imports: [
      DistributedLockModule.forRoot({ driver: memoryLocks() }),
      DistributedLockModule.forRoot({ driver: memoryLocks(), name: 'critical' }),
    ],
    providers: [Worker],
  });

  it('are found by name, the default one by its class too', async () => {
    const worker = (await startContext(named())).get(Worker);

    expect(worker.same).toBe(worker.locks);
    expect(worker.critical).not.toBe(worker.locks);
  });

  it('are chosen by the decorator, also several in one class', async () => {
    const worker = (await startContext(named())).get(Worker);

    expect(await worker.normal()).toEqual([true, false]);
    expect(await worker.important()).toEqual([false, true]);
    expect(await worker.both()).toEqual([true, true]);
  });
});

@Injectable()
class Guest {
  @WithLock('guest')
  async run(): Promise<string> {
    return 'ran';
  }
}

describe('isGlobal', () => {
  const feature = (): DynamicModule => {
    @Module({})
    class Feature {}
    return { module: Feature, providers: [Guest] };
  };

  it('is the default: a feature module need not import anything', async () => {
    const app = await startContext({ imports: [feature()] });

    expect(await app.get(Guest, { strict: false }).run()).toBe('ran');
  });

  it('false: a feature module that does not import it does not start', async () => {
    const locks = DistributedLockModule.forRoot({ driver: memoryLocks(), isGlobal: false });

    await expect(startContext({ imports: [feature(), locks] })).rejects.toThrow('LockService of');
  });
});

describe('wrong options', () => {
  const driver = memoryLocks();

  it.each<[string, object, RegExp]>([
    ['no driver', {}, /^driver must be a LockDriver, .*; got undefined\.$/],
    ['half a driver', { driver: { open() {} } }, /^driver must be a LockDriver/],
    [
      'a number for the grace',
      { driver, shutdownGraceMs: -1 },
      /^shutdownGraceMs must be .*got -1/,
    ],
    ['a time-out of nothing', { driver, storeTimeoutMs: 0 }, /^storeTimeoutMs must be .*got 0/],
    ['a default out of range', { driver, defaults: { ttlMs: NaN } }, /^ttlMs must be .*got NaN/],
    [
      'an unknown default',
      { driver, defaults: { ttl: 5 } },
      /^defaults\.ttl must be left out.*ttlMs/,
    ],
    ['an unknown option', { driver, grace: 5 }, /^grace must be left out: .*shutdownGraceMs/],
    [
      'a listener that is none',
      { driver, onEvent: 'log' },
      /^onEvent must be a function; got "log"/,
    ],
  ])('stop the application at its start: %s', async (_what, options, text) => {
    const locks = DistributedLockModule.forRoot(options as DistributedLockOptions);

    const starting = startContext({ imports: [locks] });

    await expect(starting).rejects.toMatchObject({
      code: 'LOCK_OPTIONS',
      message: expect.stringMatching(text),
    });
  });

  it('of a factory are refused alike, also a name in the wrong place', async () => {
    const locks = DistributedLockModule.forRootAsync({
      useFactory: () => ({ driver: memoryLocks(), name: 'critical' }),
    });

    await expect(startContext({ imports: [locks] })).rejects.toThrow(
      'name must be left out (it stands beside useFactory)',
    );
  });

  it('of a decorator are refused when the class is declared', () => {
    expect(() => WithLock('a', 0)).toThrow('ttlMs must be');
    expect(() => WithLock('')).toThrow('name must be');
    expect(() => WithLock('a', { service: '' })).toThrow('name must be');
    expect(() => WithLock('a', { whenHeld: 'ignore' as 'skip' })).toThrow('whenHeld must be');
    expect(() => {
      class Wrong {
        @WithLock('a')
        static async run(): Promise<void> {}
      }
      return Wrong;
    }).toThrow('@WithLock must be on a method of instances; got "Wrong.run()".');
    expect(() => WithLock('a', { tll: 5 } as object)).toThrow('tll must be left out');
  });
});

describe('a test of the user', () => {
  it('may replace the service, for the decorator too', async () => {
    const withLock = jest.fn((_name: string, _options: object, body: (lock: object) => unknown) =>
      body({}),
    );
    const module = await Test.createTestingModule({
      imports: [DistributedLockModule.forRoot({ driver: memoryLocks() })],
      providers: [Guest],
    })
      .overrideProvider(LockService)
      .useValue({ withLock })
      .compile();

    expect(await module.get(Guest).run()).toBe('ran');

    expect(withLock).toHaveBeenCalledWith('guest', {}, expect.any(Function));
  });
});

describe('an application that is never initialised', () => {
  it('closes all the same', async () => {
    const root = moduleOf({ imports: [DistributedLockModule.forRoot({ driver: memoryLocks() })] });
    const app = closeLater(await NestFactory.create(root, { logger: false, abortOnError: false }));

    await expect(app.close()).resolves.toBeUndefined();
  });
});
