// Builds the two flavours of the package: ESM in dist/esm, CommonJS in dist/cjs.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';

const root = new URL('..', import.meta.url);
rmSync(new URL('dist', root), { recursive: true, force: true });
for (const [flavour, type] of [
  ['esm', 'module'],
  ['cjs', 'commonjs'],
]) {
  execFileSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', `tsconfig.${flavour}.json`],
    { cwd: root, stdio: 'inherit' },
  );
  mkdirSync(new URL(`dist/${flavour}`, root), { recursive: true });
  // The nearest package.json tells Node and TypeScript how to read the .js and .d.ts files beside
  // it.
  writeFileSync(new URL(`dist/${flavour}/package.json`, root), JSON.stringify({ type }) + '\n');
}
