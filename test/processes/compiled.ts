/**
 * The library and the small applications of this folder as plain JavaScript, for tests that need
 * a process of its own, or both flavours of the package in one. Written beside the Nest that they
 * are to load: `.cache` under the root finds Nest 12, the one under `test/nest-11` finds Nest 11.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const ROOT = process.cwd();

export const NESTS = [
  ['Nest 12', ROOT],
  ['Nest 11', join(ROOT, 'test/nest-11')],
] as const;

/** Compiles, and answers the folder: `esm/` and `cjs/` hold the library, the rest lies beside. */
export function compile(nest: string, purpose: string): string {
  const folder = join(nest, '.cache', purpose);
  rmSync(folder, { recursive: true, force: true });
  for (const [flavour, type] of [
    ['esm', 'module'],
    ['cjs', 'commonjs'],
  ] as const) {
    emit(join(ROOT, 'lib'), join(folder, flavour), type);
    writeFileSync(join(folder, flavour, 'package.json'), JSON.stringify({ type }));
  }
  emit(join(ROOT, 'test/processes/applications'), folder, 'module');
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  return folder;
}

/** Transpiles a folder of TypeScript; nothing is checked. */
export function emit(from: string, to: string, type: 'module' | 'commonjs'): void {
  const files = readdirSync(from, { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const target = join(to, file.replace(/\.ts$/, '.js'));
    const { outputText } = ts.transpileModule(readFileSync(join(from, file), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: type === 'module' ? ts.ModuleKind.ESNext : ts.ModuleKind.CommonJS,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        esModuleInterop: true,
      },
    });
    mkdirSync(dirname(target), { recursive: true });
    // The applications import the library as this repository has it.
    writeFileSync(target, outputText.replaceAll("'../../../lib/", "'./esm/"));
  }
}

/** A child process, what it has said so far, and how it will end. */
export interface Running {
  readonly child: ChildProcess;
  said(): string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

export function run(folder: string, application: string, ...args: readonly string[]): Running {
  const child = spawn(process.execPath, [join(folder, application), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const ended = new Promise<Awaited<Running['ended']>>((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ code, signal });
    });
  });
  return { child, said: () => said, ended };
}
