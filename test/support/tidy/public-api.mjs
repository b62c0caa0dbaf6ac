// @ts-check
/**
 * The public names, by subpath of the package, as the compiler sees them. `npm run api` writes them
 * to test/public-api.txt, so that a name that comes or goes shows in the review.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const LIST = join(ROOT, 'test/public-api.txt');

/**
 * @typedef {{ readonly subpath: string, readonly name: string, readonly kind: string,
 *   readonly documented: boolean }} PublicName
 */

/** The subpaths of package.json, with the file of the library that each stands for. */
export function entries() {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return Object.entries(exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([subpath, target]) => {
      const types = /** @type {string} */ (target.import.types);
      const file = types.replace('./dist/esm/', 'lib/').replace(/\.d\.ts$/, '.ts');
      return { subpath, file, exists: existsSync(join(ROOT, file)) };
    });
}

/** @returns {readonly PublicName[]} */
export function publicNames() {
  const here = entries().filter(({ exists }) => exists);
  const files = here.map(({ file }) => join(ROOT, file));
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile.bind(ts.sys)).config,
    ts.sys,
    dirname(LIST),
  );
  const program = ts.createProgram(files, { ...options, allowJs: false });
  const checker = program.getTypeChecker();
  return here.flatMap(({ subpath, file }) => {
    const source = program.getSourceFile(join(ROOT, file));
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
    const symbols = module === undefined ? [] : checker.getExportsOfModule(module);
    return symbols
      .map((symbol) => {
        const alias = symbol.flags & ts.SymbolFlags.Alias;
        const real = alias === 0 ? symbol : checker.getAliasedSymbol(symbol);
        const documented = real.getDocumentationComment(checker).length > 0;
        return { subpath, name: symbol.name, kind: kindOf(real), documented };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

/** @param {readonly PublicName[]} names */
export function listOf(names) {
  const subpaths = [...new Set(names.map(({ subpath }) => subpath))];
  const parts = subpaths.map((subpath) => {
    const mine = names.filter((each) => each.subpath === subpath);
    return [subpath, ...mine.map(({ name, kind }) => `  ${kind} ${name}`), ''].join('\n');
  });
  return parts.join('\n');
}

/** @param {ts.Symbol} symbol */
function kindOf({ flags }) {
  if (flags & ts.SymbolFlags.Class) return 'class';
  if (flags & ts.SymbolFlags.Function) return 'function';
  if (flags & ts.SymbolFlags.Interface) return 'interface';
  if (flags & ts.SymbolFlags.TypeAlias) return 'type';
  if (flags & ts.SymbolFlags.Variable) return 'const';
  return 'other';
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(LIST, listOf(publicNames()));
}
