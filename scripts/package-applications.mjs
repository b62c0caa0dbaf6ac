// @ts-check
/**
 * The empty applications that `check-package.mjs` installs the tarball into: what they depend on,
 * and their files. The same source is compiled twice, under a folder for each kind of module.
 */

/**
 * @typedef {object} Application
 * @property {string} title
 * @property {boolean} redis
 * @property {boolean} typeorm
 * @property {Readonly<Record<string, string>>} dependencies
 */

const OLD_NEST = { '@nestjs/common': '^11.0.0', '@nestjs/core': '^11.0.0' };
const NEW_NEST = { '@nestjs/common': '^12.0.0', '@nestjs/core': '^12.0.0' };
const OLD_TYPEORM = { typeorm: '^0.3.20', pg: '^8.0.0' };
const NEW_TYPEORM = { typeorm: '^1.0.0', pg: '^8.0.0' };
const OLD_REDIS = { ioredis: '^5.4.0' };
const NEW_REDIS = { ioredis: '^6.0.0' };

/** Old with old and new with new; but TypeORM 1 suffers no ioredis 6 beside it. */
export const APPLICATIONS = [
  application('Nest 11 and Redis', OLD_NEST, OLD_REDIS),
  application('Nest 11 and TypeORM', OLD_NEST, OLD_TYPEORM),
  application('Nest 11, Redis and TypeORM', OLD_NEST, { ...OLD_REDIS, ...OLD_TYPEORM }),
  application('Nest 12 and Redis', NEW_NEST, NEW_REDIS),
  application('Nest 12 and TypeORM', NEW_NEST, NEW_TYPEORM),
  application('Nest 12, Redis and TypeORM', NEW_NEST, { ...OLD_REDIS, ...NEW_TYPEORM }),
];

/**
 * @param {string} title
 * @param {Readonly<Record<string, string>>} nest
 * @param {Readonly<Record<string, string>>} clients
 * @returns {Application}
 */
function application(title, nest, clients) {
  const shared = { 'reflect-metadata': '^0.2.0', rxjs: '^7.8.0' };
  return {
    title,
    redis: 'ioredis' in clients,
    typeorm: 'typeorm' in clients,
    dependencies: { ...nest, ...clients, ...shared },
  };
}

/**
 * @param {Application} application
 * @param {string} tarball
 * @param {readonly string[]} subpaths those of which there is something yet
 * @param {string} root of the repository, for the types of Node
 * @returns {readonly (readonly [file: string, text: string])[]}
 */
export function applicationFiles({ redis, typeorm, dependencies }, tarball, subpaths, root) {
  const withRedis = redis && subpaths.includes('./redis');
  const withTypeOrm = typeorm && subpaths.includes('./typeorm');
  const source = sourceOf(withRedis, withTypeOrm);
  const all = { ...dependencies, 'nestjs-distributed-lock': `file:${tarball}` };
  const options = {
    target: 'ES2022',
    module: 'nodenext',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    skipLibCheck: true,
    typeRoots: [`${root}/node_modules/@types`],
    types: ['node'],
    rootDir: '.',
    outDir: 'out',
  };
  return [
    ['package.json', JSON.stringify({ private: true, dependencies: all })],
    ['tsconfig.json', JSON.stringify({ compilerOptions: options, include: ['cjs', 'esm'] })],
    // The nearest package.json says what a .ts or .js file is, in the source and in the output.
    ...['cjs', 'out/cjs'].map((at) => file(`${at}/package.json`, '{ "type": "commonjs" }')),
    ...['esm', 'out/esm'].map((at) => file(`${at}/package.json`, '{ "type": "module" }')),
    ...['cjs', 'esm'].map((at) => file(`${at}/main.ts`, source)),
  ];
}

/**
 * @param {string} path
 * @param {string} text
 * @returns {readonly [string, string]}
 */
function file(path, text) {
  return [path, text];
}

/**
 * @param {boolean} redis
 * @param {boolean} typeorm
 */
function sourceOf(redis, typeorm) {
  const imports = [
    ...(redis ? ["import { redisLocks } from 'nestjs-distributed-lock/redis';"] : []),
    ...(typeorm ? ["import { typeOrmLocks } from 'nestjs-distributed-lock/typeorm';"] : []),
    ...(typeorm ? ["import { DataSource } from 'typeorm';"] : []),
  ];
  const overRedis = 'await work(redisLocks({ url: process.env.REDIS_URL ?? "" }));';
  const overTypeOrm = `
  const url = process.env.POSTGRES_URL ?? '';
  const dataSource = await new DataSource({ type: 'postgres', url }).initialize();
  await work(typeOrmLocks({ dataSource }));
  await dataSource.destroy();`;
  return `import 'reflect-metadata';
import * as assert from 'node:assert/strict';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DistributedLockModule, LockService, WithLock } from 'nestjs-distributed-lock';
import type { LockDriver } from 'nestjs-distributed-lock';
import { memoryLocks } from 'nestjs-distributed-lock/memory';
import * as kit from 'nestjs-distributed-lock/testing';
${imports.join('\n')}

@Injectable()
class Worker {
  @WithLock((id: string) => \`order:\${id}\`, 5_000)
  async twice(id: string): Promise<string> {
    return id + id;
  }

  // @ts-expect-error Only where the types are really there is this an error.
  @WithLock((id: number) => \`order:\${id}\`, 5_000)
  async wrong(id: string): Promise<string> {
    return id;
  }
}

async function work(driver: LockDriver): Promise<void> {
  @Module({ imports: [DistributedLockModule.forRoot({ driver })], providers: [Worker] })
  class App {}
  const app = await NestFactory.createApplicationContext(App, { logger: ['error'] });
  assert.equal(await app.get(Worker).twice('a'), 'aa');
  const lock = await app.get(LockService).acquire('order:a');
  assert.ok(lock.token > 0);
  await lock.release();
  await (await app.get(LockService).tryAcquire('order:a'))?.release();
  await app.close();
}

async function main(): Promise<void> {
  assert.equal(typeof kit.describeLockDriver, 'function');
  await work(memoryLocks());
  ${redis ? overRedis : ''}
  ${typeorm ? overTypeOrm : ''}
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
`;
}
