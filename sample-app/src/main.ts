/**
 * `npm start`: the race as a live page. The port is 3000 unless `--port` says otherwise.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LIVE_CONFIG, LiveController } from './live/live.controller.js';
import { Theatre } from './live/theatre.js';
import { readArguments, UsageError, type Arguments } from './race/arguments.js';

async function main(): Promise<void> {
  const config: Arguments = readArguments(process.argv.slice(2));

  @Module({
    controllers: [LiveController],
    providers: [Theatre, { provide: LIVE_CONFIG, useValue: config }],
  })
  class LiveModule {}

  const app = await NestFactory.create(LiveModule, { logger: ['error'] });
  app.enableShutdownHooks();
  try {
    await app.listen(config.port, '127.0.0.1');
  } catch (error) {
    await app.close();
    if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
    throw new UsageError(`Port ${config.port} is in use; choose another one with --port.`);
  }
  process.stdout.write(
    `The live page: ${(await app.getUrl()).replace('127.0.0.1', 'localhost')}\n`,
  );
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
