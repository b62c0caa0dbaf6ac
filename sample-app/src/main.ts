/**
 * `npm start`: the race as a live page. The port is 3000 unless `--port` says otherwise.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LIVE_CONFIG, LiveController } from './live/live.controller.js';
import { Theatre } from './live/theatre.js';
import { listen } from './race/balancer.js';
import { readArguments, UsageError, type Arguments } from './race/arguments.js';
import { checkStore } from './race/reach.js';

async function main(): Promise<void> {
  const config: Arguments = readArguments(process.argv.slice(2), { port: 3000 });
  await checkStore(config.store, config.url);

  @Module({
    controllers: [LiveController],
    providers: [Theatre, { provide: LIVE_CONFIG, useValue: config }],
  })
  class LiveModule {}

  const app = await NestFactory.create(LiveModule, {
    logger: ['error'],
    // A browser keeps its connections open, and would keep this process alive with them.
    forceCloseConnections: true,
  });
  app.enableShutdownHooks();
  await app.init();
  // Not by Nest, which logs a port in use with a stack before it throws.
  const server = app.getHttpServer() as Server;
  await listen(server, config.port);
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`The live page: http://localhost:${port}\n`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  // Leaves at once: a store that does not answer would keep this process alive.
  process.stderr.write(`${error.message}\n`, () => process.exit(2));
}
