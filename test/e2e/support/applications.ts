/**
 * Real Nest applications on the memory driver, for the tests of this folder. Each gets a store of
 * its own unless it is given one, and is closed after its test.
 */
import { Module } from '@nestjs/common';
import type { INestApplication, INestApplicationContext, ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { DistributedLockModule } from '../../../lib/index.js';
import { memoryLocks } from '../../../lib/drivers/memory/index.js';

const started: INestApplicationContext[] = [];

/** To call after each test. */
export async function closeApplications(): Promise<void> {
  await Promise.all(started.splice(0).map((application) => application.close()));
}

/** Closed by `closeApplications`, whoever made it. */
export function closeLater<A extends INestApplicationContext>(application: A): A {
  started.push(application);
  return application;
}

export function moduleOf(metadata: ModuleMetadata): new () => object {
  @Module(metadata)
  class AppModule {}
  return AppModule;
}

/** With a lock module of its own, unless `imports` has one already. */
export function withLocks(metadata: ModuleMetadata): ModuleMetadata {
  const imports = metadata.imports ?? [];
  if (imports.some((one) => 'module' in one && one.module === DistributedLockModule))
    return metadata;
  return {
    ...metadata,
    imports: [...imports, DistributedLockModule.forRoot({ driver: memoryLocks() })],
  };
}

/** Without HTTP. */
export async function startContext(metadata: ModuleMetadata): Promise<INestApplicationContext> {
  const root = moduleOf(withLocks(metadata));
  return closeLater(
    await NestFactory.createApplicationContext(root, { logger: false, abortOnError: false }),
  );
}

/** On Express and a free port. */
export async function startHttp(
  metadata: ModuleMetadata,
  prepare: (application: INestApplication) => void = () => undefined,
): Promise<{ readonly application: INestApplication; readonly url: string }> {
  const root = moduleOf(withLocks(metadata));
  const application = closeLater(
    await NestFactory.create(root, { logger: false, abortOnError: false }),
  );
  prepare(application);
  await application.listen(0, '127.0.0.1');
  return { application, url: await application.getUrl() };
}

/** A promise, and the way to settle it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
