/**
 * One instance as one operating-system process. The race starts ten of these and tells each, by its
 * `INSTANCE_CONFIG` variable, who it is; it answers with the port that it listens on.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { AddressInfo, Server } from 'node:net';
import { AppModule } from './app.module.js';
import type { InstanceConfig } from './instance-config.js';

const config = JSON.parse(process.env['INSTANCE_CONFIG'] ?? '{}') as InstanceConfig;

// Orphans end by themselves: the race is gone when the channel to it is. They do not wait for a
// good end, which a paused or broken store could keep from coming; nobody is left to see it.
process.on('disconnect', () => process.exit(1));

const app = await NestFactory.create(AppModule.with(config), { logger: ['error'] });
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
process.send?.({ type: 'ready', port });
