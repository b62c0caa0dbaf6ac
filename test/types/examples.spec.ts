/** The examples in the comments of the library compile: they are what users copy. */
import { describe, expect, it } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { complaints } from './compiler.js';

const LIB = join(process.cwd(), 'lib');

/** What examples take for granted: the public names, and things of an application. */
const PRELUDE = `
import { Controller, Injectable, UseFilters } from '@nestjs/common';
import type { FactoryProvider, Provider } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Cron } from '@nestjs/schedule';
import { DataSource } from 'typeorm';
import * as lib from '../../lib/index.js';
import {
  LockError, LockWaitTimeoutError,
  DistributedLockModule, InjectLockService, LockExceptionFilter, LockService, WithLock, getLockServiceToken,
} from '../../lib/index.js';
import { MemoryStore, memoryLocks } from '../../lib/drivers/memory/index.js';
declare const locks: LockService;
declare const order: object;
declare function ship(order: object, how?: { fence: number; signal: AbortSignal }): Promise<void>;
declare function transfer(how?: { fences: number[]; signal: AbortSignal }): Promise<void>;
declare function countMoney(how: { signal: AbortSignal }): Promise<number>;
declare class Billing { constructor(locks: LockService) }
declare class Parcels { send(id: string, how: { fence: number }): Promise<void> }
declare function redisLocks(options: { url: string }): lib.LockDriver;
declare function typeOrmLocks(options: { dataSource: DataSource }): lib.LockDriver;
`;

/** Every @example of the files that have to do with the public names of the entry. */
function examples(): { readonly where: string; readonly code: string }[] {
  const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => /^(core\/)?[^/]+\.ts$/.test(file))
    .flatMap((file) => {
      const text = readFileSync(join(LIB, file), 'utf8');
      return [...text.matchAll(/\* @example\n((?:\s*\*(?! @|\/).*\n)+)/g)].map((match, n) => ({
        where: `${file} #${n + 1}`,
        code: (match[1] ?? '').replace(/^\s*\* ?/gm, ''),
      }));
    });
}

/** Examples may await and return: classes stand in the function as well. */
function asModule(code: string): string {
  return `${PRELUDE}\nexport async function example() {\n${code}\n}\n`;
}

describe('the examples in comments', () => {
  it('compile', () => {
    const found = examples();
    const said = complaints(found.map(({ code }) => asModule(code)));

    const wrong = found.flatMap(({ where }, n) =>
      (said[n] ?? []).map((text) => `${where}: ${text}`),
    );
    expect(wrong).toEqual([]);
    expect(found.length).toBeGreaterThan(10);
  }, 120_000);
});
