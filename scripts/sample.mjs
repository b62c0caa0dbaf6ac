// Builds what the sample application needs, if it is not built or out of date, and runs one of its
// programs: `node scripts/sample.mjs race/main.js --store redis`.
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const stamp = new URL('dist/sample-app/built', root);

/** When the youngest file below a folder was changed. */
function youngest(folder) {
  return readdirSync(new URL(`${folder}/`, root), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (time, { parentPath, name }) => Math.max(time, statSync(`${parentPath}/${name}`).mtimeMs),
      0,
    );
}

function isBuilt() {
  const built = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return built > Math.max(youngest('lib'), youngest('sample-app/src'));
}

if (!isBuilt()) {
  // Without the type check, which has its own command and takes most of the time.
  for (const project of ['tsconfig.esm.json', 'sample-app/tsconfig.json']) {
    const tsc = ['node_modules/typescript/bin/tsc', '-p', project, '--noCheck'];
    execFileSync(process.execPath, tsc, { cwd: root, stdio: 'inherit' });
  }
  writeFileSync(new URL('dist/esm/package.json', root), JSON.stringify({ type: 'module' }) + '\n');
  writeFileSync(stamp, '');
}

const [program, ...args] = process.argv.slice(2);
const entry = new URL(`dist/sample-app/${program}`, root);
const child = spawn(process.execPath, [entry.pathname, ...args], { stdio: 'inherit' });
// Ctrl-C goes to the program as well, which ends in good order; this process only waits for it.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
