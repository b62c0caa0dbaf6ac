/**
 * The rules of the house, checked: how files look, which way imports go, which names are public.
 * Each rule is first seen to bite, on a text that breaks it.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { findCircle, wrongImports } from './support/tidy/layers.js';
import { LIST, entries, listOf, publicNames } from './support/tidy/public-api.mjs';
import { rules } from './support/tidy/rules.js';
import { readTree, sourceOf } from './support/tidy/source.js';

const tree = readTree();
const library = tree.filter(({ path }) => path.startsWith('lib/'));

describe.each(rules)('$says', (rule) => {
  it('bites', () => {
    for (const { path, text } of rule.broken) {
      expect(path).toMatch(rule.about);
      expect({ text, complaints: rule.check(sourceOf(path, text)).length }).not.toEqual({
        text,
        complaints: 0,
      });
    }
  });

  it('holds', () => {
    const about = tree.filter(({ path }) => rule.about.test(path));
    const wrong = about.flatMap((source) =>
      rule.check(source).map((complaint) => `${source.path}: ${complaint}`),
    );

    expect(about).not.toEqual([]);
    expect(wrong).toEqual([]);
  });
});

describe('imports go one way', () => {
  it.each([
    ['lib/core/a.ts', "import { Logger } from '@nestjs/common';"],
    ['lib/core/a.ts', "import type { Redis } from 'ioredis';"],
    ['lib/core/a.ts', "export { b } from '../lock.service.js';"],
    ['lib/core/a.ts', "import { b } from '../drivers/memory/index.js';"],
    ['lib/drivers/redis/a.ts', "import { b } from '../typeorm/b.js';"],
    ['lib/drivers/redis/a.ts', "import { DataSource } from 'typeorm';"],
    ['lib/drivers/redis/a.ts', "import { Locks } from '../../core/locks.js';"],
    ['lib/drivers/typeorm/a.ts', "const pg = await import('pg');"],
    ['lib/drivers/memory/a.ts', "let a: import('ioredis').Redis;"],
    ['lib/lock.service.ts', "import { redisLocks } from './drivers/redis/index.js';"],
    ['lib/testing/a.ts', "import { jest } from '@jest/globals';"],
    ['lib/elsewhere/a.ts', ''],
  ])('refuses, in %s: %s', (path, text) => {
    expect(wrongImports(sourceOf(path, text))).not.toEqual([]);
  });

  it('holds', () => {
    const wrong = library.flatMap((source) =>
      wrongImports(source).map((target) => `${source.path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('sees a circle', () => {
    const circle = [
      sourceOf('lib/a.ts', "import { b } from './b.js';"),
      sourceOf('lib/b.ts', "import { c } from './c/c.js';"),
      sourceOf('lib/c/c.ts', "import { a } from '../a.js';"),
    ];
    expect(findCircle(circle)).toEqual(['lib/a.ts', 'lib/b.ts', 'lib/c/c.ts', 'lib/a.ts']);
  });

  it('has no circle', () => {
    expect(findCircle(library)).toBeNull();
  });

  it('takes the sample application to the library by its public names only', () => {
    const wrong = tree
      .filter(({ path }) => path.startsWith('sample-app/'))
      .filter(({ text }) => /from '(\.\.\/)+lib\//.test(text))
      .map(({ path }) => path);
    expect(wrong).toEqual([]);
  });
});

describe('what is public', () => {
  const names = publicNames();

  it('is what test/public-api.txt lists (npm run api writes it)', () => {
    expect(listOf(names)).toBe(readFileSync(LIST, 'utf8'));
  });

  it('has a sentence on every name', () => {
    const silent = names.filter(({ documented }) => !documented);
    expect(silent.map(({ subpath, name }) => `${subpath} ${name}`)).toEqual([]);
  });

  it('is there for every subpath of the package', () => {
    expect(entries().filter(({ exists }) => !exists)).toEqual([]);
  });
});
