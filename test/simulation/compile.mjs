// Compiles the core, the memory driver and the simulation into a folder of their own, for plain
// Node; with one change to one file, if asked: a mutant, for the test that proves the checker.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const FOLDERS = ['lib/core', 'lib/drivers/memory', 'test/simulation', 'test/support'];
const OPTIONS = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ES2022,
  useDefineForClassFields: true,
};

/**
 * @param {{ file: string, find: string, put: string } | null} change
 * @returns {Promise<{ url: (file: string) => string, remove: () => void }>}
 */
export async function compileCore(change = null) {
  const to = mkdtempSync(join(tmpdir(), 'simulation-'));
  for (const folder of FOLDERS) {
    mkdirSync(join(to, folder), { recursive: true });
    for (const name of readdirSync(join(ROOT, folder))) {
      if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue;
      const file = `${folder}/${name}`;
      let source = readFileSync(join(ROOT, file), 'utf8');
      if (file === change?.file) {
        const parts = source.split(change.find);
        if (parts.length !== 2) throw new Error(`${file} has not exactly one ${change.find}`);
        source = parts.join(change.put);
      }
      const { outputText } = ts.transpileModule(source, { compilerOptions: OPTIONS });
      writeFileSync(join(to, file.replace(/\.ts$/, '.js')), outputText);
    }
  }
  writeFileSync(join(to, 'package.json'), '{"type":"module"}');
  return {
    url: (file) => pathToFileURL(join(to, file)).href,
    remove: () => rmSync(to, { recursive: true }),
  };
}
