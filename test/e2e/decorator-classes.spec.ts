/**
 * `@WithLock` on every kind of class that Nest makes: the service reaches each instance, `this`
 * stays what it is, and a class that Nest did not make runs nothing unlocked.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Param, Scope } from '@nestjs/common';
import type { FactoryProvider } from '@nestjs/common';
import { ModuleRef, REQUEST } from '@nestjs/core';
import { inspect } from 'node:util';

import { LockReentryError, LockService, WithLock } from '../../lib/index.js';
import { NestFactory } from '@nestjs/core';
import {
  closeApplications,
  closeLater,
  gate,
  moduleOf,
  startContext,
  startHttp,
} from './support/applications.js';

afterEach(closeApplications);

const QUIET = { logger: false, abortOnError: false } as const;

@Injectable()
class Base {
  readonly #secret = 'secret of this very instance';
  @Inject(LockService) protected readonly locks!: LockService;

  @WithLock('one')
  async one(): Promise<string> {
    return this.heldWith('one');
  }

  @WithLock('two', { reentrant: true })
  async two(): Promise<string> {
    return this.heldWith('two');
  }

  @WithLock('three')
  async callsTwo(): Promise<string> {
    return `${this.heldWith('three')}, ${await this.two()}`;
  }

  @WithLock('two')
  async joinsTwo(): Promise<string> {
    return this.two();
  }

  @WithLock('one')
  async waitsForItself(): Promise<string> {
    return this.one();
  }

  heldWith(name: string): string {
    return `${name}: ${this.locks.current(name) !== null}, ${this.#secret}`;
  }
}

@Injectable()
class Inheriting extends Base {
  constructor(readonly own: ModuleRef) {
    super();
  }
}

@Injectable()
class Overriding extends Base {
  @Inject(ModuleRef) readonly own!: ModuleRef;

  @WithLock('outer')
  override async one(): Promise<string> {
    return `${this.locks.current('outer') !== null} and ${await super.one()}`;
  }

  override async two(): Promise<string> {
    return this.heldWith('two');
  }
}

describe('a provider with @WithLock', () => {
  it('keeps its this, private fields and all, in each of its locked methods', async () => {
    const base = (await startContext({ providers: [Base] })).get(Base);

    expect(await base.one()).toBe('one: true, secret of this very instance');
    expect(await base.two()).toBe('two: true, secret of this very instance');
  });

  it('may call another of its locked methods', async () => {
    const base = (await startContext({ providers: [Base] })).get(Base);

    expect(await base.callsTwo()).toMatch(/^three: true, .*two: true/);
  });

  it('fails at once when it would wait for itself, and joins with reentrant', async () => {
    const base = (await startContext({ providers: [Base] })).get(Base);

    await expect(base.waitsForItself()).rejects.toBeInstanceOf(LockReentryError);
    expect(await base.joinsTwo()).toMatch(/^two: true/);
  });

  it('does not show the service among its properties', async () => {
    const base = (await startContext({ providers: [Base] })).get(Base);

    expect(Object.getOwnPropertySymbols(base).filter((key) => key in { ...base })).toEqual([]);
    expect(inspect(base)).not.toContain('LockService of');
  });

  it('keeps metadata that another decorator puts on the function it finds on the class', () => {
    const Found = (value: string) => (target: object, key: string) => {
      const method = (target as Record<string, object>)[key];
      if (method !== undefined) Reflect.defineMetadata('found', value, method);
    };
    class Marked {
      @Found('above')
      @WithLock('marked')
      async above(): Promise<void> {}

      @WithLock('marked')
      @Found('below')
      async below(): Promise<void> {}
    }

    for (const where of ['above', 'below'] as const) {
      expect(Reflect.getMetadata('found', Marked.prototype[where])).toBe(where);
    }
    // Some libraries ask for what is the function's own.
    expect(Reflect.getOwnMetadata('found', Marked.prototype.below)).toBe('below');
  });

  it('passes its name and length on', () => {
    expect(Base.prototype.one.name).toBe('one');
    expect(Later.prototype.get.length).toBe(1);
  });
});

describe('a class that inherits', () => {
  it('runs inherited methods under their locks, with dependencies of its own', async () => {
    const inheriting = (await startContext({ providers: [Inheriting] })).get(Inheriting);

    expect(inheriting.own).toBeInstanceOf(ModuleRef);
    expect(await inheriting.one()).toMatch(/^one: true/);
  });

  it('may override with another lock, or none, and call up', async () => {
    const overriding = (await startContext({ providers: [Overriding] })).get(Overriding);

    expect(overriding.own).toBeInstanceOf(ModuleRef);
    expect(await overriding.one()).toMatch(/^true and one: true/);
    expect(await overriding.two()).toMatch(/^two: false/);
  });
});

@Injectable({ scope: Scope.REQUEST })
class Later {
  constructor(
    @Inject(REQUEST) private readonly request: { url: string },
    private readonly locks: LockService,
  ) {}

  @WithLock((id: string) => `later:${id}`)
  async get(id: string): Promise<object> {
    return { url: this.request.url, locked: this.locks.current(`later:${id}`) !== null };
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class Fleeting {
  @WithLock('fleeting')
  async run(): Promise<string> {
    return 'ran';
  }
}

@Controller()
class LaterController {
  constructor(private readonly later: Later) {}

  @Get(':id')
  @WithLock((id: string) => `controller:${id}`)
  async get(@Param('id') id: string): Promise<object> {
    return this.later.get(id);
  }
}

describe('scopes', () => {
  it('request: each instance runs under the lock, with its own request', async () => {
    const { url } = await startHttp({ controllers: [LaterController], providers: [Later] });

    const answers = await Promise.all(
      ['a', 'b'].map(async (id) => (await fetch(`${url}/${id}`)).json()),
    );

    expect(answers).toEqual([
      { url: '/a', locked: true },
      { url: '/b', locked: true },
    ]);
  });

  it('transient: runs under the lock', async () => {
    const app = await startContext({ providers: [Fleeting] });

    expect(await (await app.resolve(Fleeting)).run()).toBe('ran');
  });
});

describe('two applications in one process', () => {
  it('use their own services, although they share the class', async () => {
    const one = await startContext({ providers: [Base] });
    const other = await startContext({ providers: [Base] });
    const done = gate();
    const holding = one.get(LockService).withLock('one', {}, () => done.opened);

    // The lock is held in the first application; the second has a store of its own.
    expect(await other.get(Base).one()).toMatch(/^one: true/);

    done.open();
    await holding;
  });
});

describe('a class that Nest did not make', () => {
  it('runs nothing, and says what is wrong', async () => {
    await expect(new Fleeting().run()).rejects.toMatchObject({
      code: 'LOCK_OPTIONS',
      message: expect.stringMatching(
        /^Fleeting\.run\(\) did not run.*Nest did not make this Fleeting.*made with new.*withLock/s,
      ),
    });
  });

  it('is refused just so when a factory made it', async () => {
    const factory: FactoryProvider = { provide: Fleeting, useFactory: () => new Fleeting() };
    const app = await startContext({ providers: [factory] });

    await expect(app.get(Fleeting).run()).rejects.toMatchObject({ code: 'LOCK_OPTIONS' });
  });

  it('is refused just so when the method was torn off its instance', async () => {
    const torn: (this: void) => Promise<string> = Fleeting.prototype.run;

    await expect(torn()).rejects.toThrow('called without its instance');
  });
});

@Injectable()
class Single {
  @WithLock('single')
  async run(): Promise<void> {}
}

@Injectable()
class Critical {
  @WithLock('critical', { service: 'critical' })
  async run(): Promise<void> {}
}

describe('an application without the module', () => {
  it('does not start, and says what is missing', async () => {
    const starting = NestFactory.createApplicationContext(moduleOf({ providers: [Single] }), QUIET);

    await expect(starting).rejects.toThrow(
      'dependencies of the Single. Please make sure that the ' +
        '"Symbol(LockService of DistributedLockModule.forRoot())" property is available',
    );
  });

  it('does not start either when only a named service is missing, and says which', async () => {
    const starting = startContext({ providers: [Critical] });

    await expect(starting).rejects.toThrow(
      'LockService of DistributedLockModule.forRoot({ name: "critical" })',
    );
  });

  it('never makes a scoped class, which Nest 11 does not look at when it starts', async () => {
    const app = closeLater(await NestFactory.createApplicationContext(moduleOf({}), QUIET));

    await expect(app.get(ModuleRef).create(Fleeting)).rejects.toThrow('LockService of');
  });
});
