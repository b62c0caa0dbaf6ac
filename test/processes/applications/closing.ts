/**
 * An application with a body that finishes, a body that never does, and a waiter. It is closed by
 * itself, or by a signal, and has to end without anybody calling `process.exit`.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { memoryLocks } from '../../../lib/drivers/memory/index.js';
import { DistributedLockModule, LockService } from '../../../lib/index.js';

@Module({
  imports: [DistributedLockModule.forRoot({ driver: memoryLocks(), shutdownGraceMs: 300 })],
})
class AppModule {}

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
app.enableShutdownHooks();
const locks = app.get(LockService);

locks
  .withLock('short', {}, () => new Promise((resolve) => setTimeout(resolve, 100)))
  .then(
    () => say('short: done'),
    (error: unknown) => say(`short: ${String(error)}`),
  );
locks
  .withLock('endless', {}, async (lock) => {
    lock.signal.addEventListener('abort', () => say('endless: aborted'));
    await new Promise(() => undefined);
  })
  .catch((error: unknown) => say(`endless: ${String(error)}`));
locks
  .acquire('endless', { waitMs: 600_000 })
  .then(() => say('waiter: got it'))
  .catch((error: { code: string }) => say(`waiter: ${error.code}`));

if (process.argv[2] === 'close') {
  await new Promise((resolve) => setTimeout(resolve, 20));
  await app.close();
  say('closed');
} else {
  // What any server does: it stays until it is told to go.
  const listening = setInterval(() => undefined, 60_000);
  process.once('SIGTERM', () => {
    clearInterval(listening);
  });
  say('ready');
}
