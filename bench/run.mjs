// `npm run bench`: installs the peers (once), builds the library and the bench if they are out of
// date, and runs it. The bench itself is main.ts.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bench = dirname(fileURLToPath(import.meta.url));
const root = dirname(bench);
const smoke = process.argv.includes('--smoke');
const quiet = process.argv.includes('--help') || process.argv.includes('-h');

/** The newest change under a folder. */
function newest(folder, wanted) {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) latest = Math.max(latest, newest(path, wanted));
    else if (wanted.test(entry.name)) latest = Math.max(latest, statSync(path).mtimeMs);
  }
  return latest;
}

function isOlder(file, time) {
  return !existsSync(file) || statSync(file).mtimeMs < time;
}

function run(program, args, cwd) {
  execFileSync(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}

// The smoke run needs our own library and the clients only, and those are at the root.
const installed = join(bench, 'node_modules', '.package-lock.json');
if (!smoke && !quiet && isOlder(installed, statSync(join(bench, 'package-lock.json')).mtimeMs)) {
  run('npm', ['ci', '--no-audit', '--no-fund'], bench);
}

// Our library is imported by its public names, like any other: through a link that npm would make.
const link = join(bench, 'node_modules', 'nestjs-distributed-lock');
if (!existsSync(link)) {
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync('../..', link, 'dir');
}
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
if (isOlder(join(root, 'dist', 'cjs', 'package.json'), newest(join(root, 'lib'), /\.ts$/))) {
  run(process.execPath, ['scripts/build.mjs'], root);
}
const main = join(bench, '.cache', 'build', 'bench', 'main.js');
if (isOlder(main, newest(bench, /\.ts$/))) run(process.execPath, [tsc, '-p', bench], root);

const child = spawn(process.execPath, ['--no-warnings', main, ...process.argv.slice(2)], {
  env: { ...process.env, BENCH_ROOT: root },
  stdio: 'inherit',
});
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
// Ctrl-C reaches the child by itself; this process only waits for its end.
process.on('SIGINT', () => {});
