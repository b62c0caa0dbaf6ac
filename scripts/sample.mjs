// Compiles the library and the sample application, unless that is done, and runs one program of the
// sample in this very process: `node scripts/sample.mjs race/main.js --store redis`. The sample
// finds the library by its public names, as a package that is installed beside it.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const CACHE = join(ROOT, '.cache');
const PACKAGE = 'node_modules/nestjs-distributed-lock';
const KEPT_FOR_MS = 24 * 60 * 60 * 1_000;

/** Every source, with the place that its program goes to. */
function sources() {
  return [
    ['lib', join(PACKAGE, 'lib')],
    ['sample-app/src', 'sample-app'],
  ].flatMap(([from, to]) =>
    readdirSync(join(ROOT, from), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => ({ file: join(ROOT, from, name), to: join(to, name.replace(/ts$/, 'js')) })),
  );
}

/** Without the type check, which has its own command and takes most of the time. */
async function compile(files, folder) {
  const { default: ts } = await import('typescript');
  const compilerOptions = {
    ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    ...{ experimentalDecorators: true, emitDecoratorMetadata: true },
    useDefineForClassFields: true,
  };
  for (const { file, to } of files) {
    const source = readFileSync(file, 'utf8');
    const { outputText } = ts.transpileModule(source, { compilerOptions });
    mkdirSync(dirname(join(folder, to)), { recursive: true });
    writeFileSync(join(folder, to), outputText);
  }
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const entries = Object.entries(exports)
    .filter(([, entry]) => typeof entry === 'object')
    .map(([path, entry]) => [path, entry.import.default.replace('/dist/esm/', '/lib/')]);
  const manifest = { type: 'module', exports: Object.fromEntries(entries) };
  writeFileSync(join(folder, PACKAGE, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
}

/** The folder of the compiled programs; another one as soon as a source changes. */
async function built() {
  const files = sources();
  const youngest = Math.max(...files.map(({ file }) => statSync(file).mtimeMs));
  const folder = join(CACHE, `sample-${files.length}-${Math.round(youngest)}`);
  if (existsSync(folder)) return folder;
  // Elsewhere first: who starts at the same time must not find half of it.
  const draft = `${folder}-${process.pid}`;
  await compile(files, draft);
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  removeOld();
  return folder;
}

function removeOld() {
  for (const name of readdirSync(CACHE).filter((one) => one.startsWith('sample-'))) {
    const path = join(CACHE, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > KEPT_FOR_MS) rmSync(path, { recursive: true, force: true });
  }
}

const [program = 'race/main.js', ...args] = process.argv.slice(2);
const entry = join(await built(), 'sample-app', program);
process.argv = [process.execPath, entry, ...args];
await import(pathToFileURL(entry).href);
