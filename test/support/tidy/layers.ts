/**
 * Imports go one way: decorator → service → core ← drivers, and an application on Redis never loads
 * TypeORM. Which folder may import what is the table below; anything else is refused.
 */
import { dirname, join } from 'node:path/posix';
import { importsOf, type Source } from './source.js';

interface Layer {
  readonly folder: RegExp;
  /** Files of the library, from its root. */
  readonly files: RegExp;
  /** Packages and modules of Node. */
  readonly packages: RegExp;
}

/** What a driver may know of the core: the contract, its nouns, its errors, and steps to share. */
const FOR_DRIVERS = /^core\/(lock-driver|lease|lock-errors|lock-steps|clock)\.ts$/;

const LAYERS: readonly Layer[] = [
  {
    folder: /^core\//,
    files: /^core\//,
    packages: /^node:(async_hooks|crypto|os|events|util|process|perf_hooks)$/,
  },
  {
    folder: /^drivers\/memory\//,
    files: or(FOR_DRIVERS, /^drivers\/memory\//),
    packages: /^node:(crypto|util)$/,
  },
  {
    folder: /^drivers\/redis\//,
    files: or(FOR_DRIVERS, /^drivers\/redis\//),
    packages: /^(ioredis|node:(crypto|events|util))$/,
  },
  {
    folder: /^drivers\/typeorm\//,
    files: or(FOR_DRIVERS, /^drivers\/typeorm\//),
    packages: /^(typeorm|node:(crypto|events|util|async_hooks))$/,
  },
  {
    // The kit tests a driver through the contract, and needs no runner of a certain make.
    folder: /^testing\//,
    files: /^(testing|core)\//,
    packages: /^node:(assert\/strict|assert|crypto|util|timers\/promises|events)$/,
  },
  {
    // What a Nest user touches. No driver: whoever wants one imports its subpath.
    folder: /^[^/]+$/,
    files: /^([^/]+|core\/.*)$/,
    packages:
      /^(@nestjs\/(common|core)(\/.*)?|rxjs|reflect-metadata|node:(crypto|os|async_hooks))$/,
  },
];

/** What a file of the library imports and must not; empty when all is well. */
export function wrongImports(source: Source): readonly string[] {
  const path = source.path.replace(/^lib\//, '');
  const layer = LAYERS.find(({ folder }) => folder.test(path));
  if (layer === undefined) return ['lies in a folder that no rule knows'];
  return importsOf(source)
    .map(({ target }) => target)
    .filter((target) => {
      if (!target.startsWith('.')) return !layer.packages.test(target);
      const file = join(dirname(path), target).replace(/\.js$/, '.ts');
      return !layer.files.test(file);
    });
}

/** The first circle of imports that run code, as a path through it; `null` when there is none. */
export function findCircle(sources: readonly Source[]): readonly string[] | null {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): readonly string[] | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    const source = byPath.get(path);
    if (source === undefined || done.has(path)) return null;
    for (const { target, typeOnly } of importsOf(source)) {
      if (typeOnly || !target.startsWith('.')) continue;
      const next = join(dirname(path), target).replace(/\.js$/, '.ts');
      const circle = visit(next, [...trail, path]);
      if (circle !== null) return circle;
    }
    done.add(path);
    return null;
  };
  for (const { path } of sources) {
    const circle = visit(path, []);
    if (circle !== null) return circle;
  }
  return null;
}

function or(...choices: readonly RegExp[]): RegExp {
  return new RegExp(choices.map(({ source }) => source).join('|'));
}
