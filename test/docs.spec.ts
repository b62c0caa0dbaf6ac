/** What the documents say is true: their code compiles and runs, and their links lead somewhere. */
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

import { anchorsOf, blocksOf, linksOf, pages } from './docs/pages.js';
import type { Block } from './docs/pages.js';
import { ERRORS } from './docs/texts.js';
import type { LockError } from '../lib/index.js';
import { complaints } from './types/compiler.js';

const PAGES = pages();
const BLOCKS = PAGES.flatMap(blocksOf);

/** What a short block may take for granted: the application that it is a part of. */
const APPLICATION = `
import type { LockDriver, LockService } from 'nestjs-distributed-lock';
import type { DataSource } from 'typeorm';
import { Account as AccountEntity } from './account.entity.js';
declare global {
  const locks: LockService;
  const driver: LockDriver;
  const dataSource: DataSource;
  const id: string;
  const cents: number;
  const Account: typeof AccountEntity;
}
`;

/** Short blocks without an import are modules all the same. */
const asModule = ({ code }: Block): string => `${code}\nexport {};\n`;

describe('the code in the documents', () => {
  it('compiles, by the public names of the package', () => {
    const [application, ...said] = complaints([APPLICATION, ...BLOCKS.map(asModule)], 'test/docs');

    const wrong = BLOCKS.flatMap(({ where }, n) =>
      (said[n] ?? []).map((text) => `${where}: ${text}`),
    );
    expect([...(application ?? []), ...wrong]).toEqual([]);
    expect(BLOCKS.length).toBeGreaterThan(20);
  }, 120_000);

  // Inside of the repository, so that imports find what is installed.
  const folder = join(process.cwd(), '.cache', 'docs');
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const running = BLOCKS.filter(({ runs }) => runs);
  it.each(running)('$where runs, and prints what it says', async ({ where, code }) => {
    const printed: string[] = [];
    const log = jest.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
      printed.push(values.map(String).join(' '));
    });
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${where.replace(/\W/g, '-')}.ts`);
    writeFileSync(file, byFiles(code));

    await import(file).finally(() => {
      log.mockRestore();
    });

    const said = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, text]) => text);
    expect(printed).toEqual(said);
  });
});

describe('docs/errors.md', () => {
  const text = PAGES.find(({ path }) => path === 'docs/errors.md')?.text ?? '';

  const titled = ERRORS.map((error): [string, LockError] => [error.message.slice(0, 60), error]);
  it.each(titled)('has the text, the code and the fields of: %s…', (_, error) => {
    expect(text).toContain(`\n> ${error.message}\n`);
    const row = text.split('\n').find((line) => line.startsWith(`| \`${error.name}\``)) ?? '';
    const { name: _name, code, lockName: _lockName, ...fields } = error;
    for (const word of [code, ...Object.keys(fields)]) expect(row).toContain(`\`${word}\``);
  });

  it('has no text that no error has', () => {
    const quoted = [...text.matchAll(/^> (.*)$/gm)].map(([, line]) => line);
    expect(quoted).toEqual(ERRORS.map(({ message }) => message));
  });
});

describe('the links in the documents', () => {
  it('lead to files, and to headings, that are there', () => {
    const dead = PAGES.flatMap((page) =>
      linksOf(page)
        .filter((target) => !/^(https?|mailto):/.test(target) && !isThere(page.path, target))
        .map((target) => `${page.path}: ${target}`),
    );

    expect(dead).toEqual([]);
  });

  it('reach every page from the README', () => {
    const reached = new Set(['README.md']);
    for (const path of reached) {
      const page = PAGES.find((one) => one.path === path);
      for (const target of page === undefined ? [] : linksOf(page)) {
        reached.add(fileOf(path, target));
      }
    }

    expect(PAGES.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
  });
});

/** A block imports the package by its name; here that is the source. */
function byFiles(code: string): string {
  return code.replace(/'nestjs-distributed-lock(?:\/(\w+))?'/g, (_, subpath?: string) => {
    const file =
      subpath === undefined
        ? 'index'
        : subpath === 'testing'
          ? 'testing/index'
          : `drivers/${subpath}/index`;
    return `'../../lib/${file}.js'`;
  });
}

function fileOf(from: string, target: string): string {
  const [path = ''] = target.split('#');
  return path === '' ? from : normalize(join(dirname(from), path));
}

function isThere(from: string, target: string): boolean {
  const path = fileOf(from, target);
  const [, anchor] = target.split('#');
  if (!existsSync(join(process.cwd(), path))) return false;
  if (anchor === undefined) return true;
  const page = PAGES.find((one) => one.path === path);
  return page !== undefined && anchorsOf(page).has(anchor);
}
