/** What `@WithLock` lets be compiled, and in which words it refuses the rest. */
import { beforeAll, describe, expect, it } from '@jest/globals';

import { complaints } from './compiler.js';

const PRELUDE = `
import type { Observable } from 'rxjs';
import { WithLock } from '../../lib/index.js';
import type { BusyError, WithLockOptions } from '../../lib/index.js';
declare const anything: never;
`;

const NO_PROMISE = 'the method must return a Promise or an Observable';
const WRONG_NAME = "the name function must accept the method's parameters";
const NO_UNDEFINED = "with whenHeld 'skip' the method may answer undefined";
const WRONG_FALLBACK = "the whenHeld function must accept the method's parameters";

/** Title, decorator, method, and a part of a complaint, or `null` for none. */
const CASES: readonly (readonly [string, string, string, string | null])[] = [
  ['a name', `@WithLock('a')`, `async m(x: number): Promise<string> { return ''; }`, null],
  ['a name and a ttl', `@WithLock('a', 60_000)`, `async m(): Promise<void> {}`, null],
  ['several names', `@WithLock(['a', 'b'])`, `async m(x: number): Promise<void> {}`, null],
  [
    'a name function with the parameters of the method',
    '@WithLock((id: string, n: number) => `${id}:${n}`)',
    `async m(id: string, n: number): Promise<void> {}`,
    null,
  ],
  [
    'a name function with fewer parameters',
    '@WithLock((id: string) => `${id}`)',
    `async m(id: string, n: number): Promise<void> {}`,
    null,
  ],
  [
    'a name function with wider parameters',
    '@WithLock((id: string | number) => `${id}`)',
    `async m(id: string): Promise<void> {}`,
    null,
  ],
  [
    'a name function that answers several names',
    '@WithLock((from: string, to: string) => [from, to])',
    `async m(from: string, to: string): Promise<void> {}`,
    null,
  ],
  ['a generic method', `@WithLock('a')`, `async m<T>(x: T): Promise<T> { return x; }`, null],
  ['a private method', `@WithLock('a')`, `private async m(): Promise<void> {}`, null],
  ['an Observable', `@WithLock('a')`, `m(): Observable<number> { return anything; }`, null],
  [
    'a promise of an Observable',
    `@WithLock('a')`,
    `async m(): Promise<Observable<number>> { return anything; }`,
    null,
  ],
  [
    'skip where the promise admits undefined',
    `@WithLock('a', { whenHeld: 'skip' })`,
    `async m(): Promise<string | undefined> { return ''; }`,
    null,
  ],
  [
    'skip on Promise<void>',
    `@WithLock('a', { whenHeld: 'skip' })`,
    `async m(): Promise<void> {}`,
    null,
  ],
  [
    'skip on an Observable, which is then empty',
    `@WithLock('a', { whenHeld: 'skip' })`,
    `m(): Observable<number> { return anything; }`,
    null,
  ],
  [
    'a fallback that answers what the method answers',
    `@WithLock('a', { whenHeld: (held: BusyError, id: string) => id + held.code })`,
    `async m(id: string): Promise<string> { return id; }`,
    null,
  ],
  [
    'an asynchronous fallback',
    `@WithLock('a', { whenHeld: async () => 'busy' })`,
    `async m(id: string): Promise<string> { return id; }`,
    null,
  ],
  [
    'throw',
    `@WithLock('a', { whenHeld: 'throw' })`,
    `async m(): Promise<string> { return ''; }`,
    null,
  ],

  ['a method that returns no promise', `@WithLock('a')`, `m(): number { return 1; }`, NO_PROMISE],
  ['a void method', `@WithLock('a')`, `m(): void {}`, NO_PROMISE],
  [
    'a method that returns a promise only sometimes',
    `@WithLock('a')`,
    `m(): Promise<number> | number { return 1; }`,
    NO_PROMISE,
  ],
  [
    'a name function for another parameter',
    '@WithLock((id: number) => `${id}`)',
    `async m(id: string): Promise<void> {}`,
    WRONG_NAME,
  ],
  [
    'a name function with more parameters',
    '@WithLock((id: string, more: string) => id + more)',
    `async m(id: string): Promise<void> {}`,
    WRONG_NAME,
  ],
  [
    'a name function that forgets that a parameter is optional',
    '@WithLock((id: string) => id)',
    `async m(id?: string): Promise<void> {}`,
    WRONG_NAME,
  ],
  [
    'a name function without types',
    '@WithLock((id) => `${id}`)',
    `async m(id: string): Promise<void> {}`,
    WRONG_NAME,
  ],
  [
    'a name function that answers no name',
    '@WithLock((id: number) => id)',
    `async m(id: number): Promise<void> {}`,
    "Type 'number' is not assignable to type",
  ],
  [
    'skip where the promise does not admit undefined',
    `@WithLock('a', { whenHeld: 'skip' })`,
    `async m(): Promise<string> { return ''; }`,
    NO_UNDEFINED,
  ],
  [
    'skip that is only possible, likewise',
    `@WithLock('a', { whenHeld: anything as 'skip' | 'throw' })`,
    `async m(): Promise<string> { return ''; }`,
    NO_UNDEFINED,
  ],
  [
    'a fallback that answers something else',
    `@WithLock('a', { whenHeld: () => 7 })`,
    `async m(): Promise<string> { return ''; }`,
    WRONG_FALLBACK,
  ],
  [
    'a fallback for other parameters',
    `@WithLock('a', { whenHeld: (held: BusyError, id: number) => String(id) })`,
    `async m(id: string): Promise<string> { return id; }`,
    WRONG_FALLBACK,
  ],
  [
    'a fallback without types',
    `@WithLock('a', { whenHeld: (held) => held.remainingMs })`,
    `async m(): Promise<number> { return 1; }`,
    "Parameter 'held' implicitly has an 'any' type",
  ],
  [
    'an unknown option',
    `@WithLock('a', { ttl: 5 })`,
    `async m(): Promise<void> {}`,
    "'ttl' does not exist",
  ],
  [
    'an unknown way out',
    `@WithLock('a', { whenHeld: 'ignore' })`,
    `async m(): Promise<void> {}`,
    `Type '"ignore"' is not assignable to type`,
  ],
];

describe('@WithLock compiles', () => {
  let found: readonly (readonly string[])[] = [];
  beforeAll(() => {
    found = complaints(
      CASES.map(
        ([, decorator, method]) => `${PRELUDE}\nclass C {\n${decorator}\n${method}\n}\nvoid C;`,
      ),
    );
  }, 120_000);

  it.each(
    CASES.map(
      ([title, , , complaint], n) => [complaint === null ? 'with' : 'not with', title, n] as const,
    ),
  )('%s %s', (_verdict, _title, n) => {
    const complaint = CASES[n]?.[3] ?? null;

    if (complaint === null) expect(found[n]).toEqual([]);
    else expect(found[n]).toContainEqual(expect.stringContaining(complaint));
  });
});
