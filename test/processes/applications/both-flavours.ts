/**
 * One process with both flavours of the package: the application is ESM, one of its dependencies
 * loads the CommonJS one. They have to agree on tokens, on the property that carries the service
 * and on errors.
 */
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import * as esm from '../../../lib/index.js';

const require = createRequire(import.meta.url);
const cjs = require('./cjs/index.js') as typeof esm;
const { memoryLocks } = require('./cjs/drivers/memory/index.js') as {
  memoryLocks(): esm.LockDriver;
};

@Injectable()
class Shared {
  constructor(@cjs.InjectLockService() readonly locks: esm.LockService) {}

  @cjs.WithLock('cjs', { waitMs: 0 })
  async byCommonJs(): Promise<boolean> {
    return this.locks.current('cjs') !== null;
  }

  @esm.WithLock('esm', { waitMs: 0 })
  async byEsm(): Promise<boolean> {
    return this.locks.current('esm') !== null;
  }

  @cjs.WithLock('esm', { waitMs: 0, whenHeld: 'skip' })
  async skipping(): Promise<boolean | undefined> {
    return true;
  }
}

@Module({
  imports: [esm.DistributedLockModule.forRoot({ driver: memoryLocks() })],
  providers: [Shared],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const shared = app.get(Shared);
const answers: Record<string, unknown> = {
  twoCopies: esm.LockService !== cjs.LockService,
  byCommonJs: await shared.byCommonJs(),
  byEsm: await shared.byEsm(),
};
{
  await using _held = await shared.locks.acquire('esm');
  answers['skipped'] = (await shared.skipping()) === undefined;
  const error: unknown = await shared.byEsm().catch((reason: unknown) => reason);
  answers['knowsError'] = error instanceof cjs.LockHeldError && error instanceof cjs.LockError;
  answers['knowsOther'] = error instanceof cjs.LockLostError;
}
await app.close();
process.stdout.write(JSON.stringify(answers));
