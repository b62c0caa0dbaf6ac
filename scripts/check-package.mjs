// @ts-check
/**
 * Is the package right for those who install it? Packs it, has attw and publint look at the
 * tarball, and installs that into empty applications: Nest 11 and 12, with Redis alone, TypeORM
 * alone, and both, each as CommonJS and as ES modules. Each is compiled, and takes locks in a real
 * application. The last line is `N passed, N failed`.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sharedPostgres, sharedRedis } from '../test/support/servers/index.mjs';
import { APPLICATIONS, applicationFiles } from './package-applications.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const bin = (/** @type {string} */ name) => join(ROOT, 'node_modules', '.bin', name);
const folder = mkdtempSync(join(tmpdir(), 'locks-package-'));
let passed = 0;
let failed = 0;

try {
  const tarball = await pack();
  await check('holds nothing but the library', () => contents(tarball));
  await check('pleases attw', () => run(bin('attw'), [tarball], ROOT));
  await check('pleases publint', () => run(bin('publint'), [tarball, '--strict'], ROOT));

  const subpaths = await present(tarball);
  const stores = { REDIS_URL: '', POSTGRES_URL: '' };
  if (subpaths.includes('./redis')) stores.REDIS_URL = (await sharedRedis()).url;
  if (subpaths.includes('./typeorm')) stores.POSTGRES_URL = (await sharedPostgres()).url;
  for (const application of APPLICATIONS) await checkApplication(application, tarball, subpaths);

  /**
   * @param {import('./package-applications.mjs').Application} application
   * @param {string} tarball
   * @param {readonly string[]} subpaths
   */
  async function checkApplication(application, tarball, subpaths) {
    const home = join(folder, application.title.replaceAll(/\W+/g, '-'));
    for (const [file, text] of applicationFiles(application, tarball, subpaths, ROOT)) {
      mkdirSync(join(home, file, '..'), { recursive: true });
      writeFileSync(join(home, file), text);
    }
    const flags = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline'];
    const ready = await check(`installs beside ${application.title}`, () =>
      run('npm', ['install', ...flags, '--ignore-scripts'], home),
    );
    if (!ready) return;
    await check(`compiles beside ${application.title}, both ways`, () =>
      run(bin('tsc'), ['-p', '.'], home),
    );
    for (const way of ['cjs', 'esm']) {
      await check(`works beside ${application.title}, as ${way}`, () =>
        run(process.execPath, [join('out', way, 'main.js')], home, stores),
      );
    }
  }
} catch (error) {
  failed++;
  console.log(`not ok: ${error instanceof Error ? error.message : String(error)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
// Not left to the event loop: the servers that were started would keep it waiting for nothing.
process.exit(failed === 0 ? 0 : 1);

/** @returns {Promise<string>} the tarball, freshly built */
async function pack() {
  const said = await run('npm', ['pack', '--json', '--pack-destination', folder], ROOT);
  // The build may have its say before the answer.
  const [{ filename }] = JSON.parse(said.slice(said.indexOf('[\n')));
  return join(folder, filename);
}

/** @param {string} tarball */
async function contents(tarball) {
  const files = (await run('tar', ['-tzf', tarball], folder)).trim().split('\n');
  const allowed =
    /^package\/(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/(cjs|esm)\/(package\.json|.*\.(js|d\.ts)))$/;
  const foreign = files.filter((file) => !allowed.test(file) || /\.(spec|test)\./.test(file));
  if (foreign.length > 0) throw new Error(`foreign: ${foreign.join(', ')}`);
  for (const file of ['package/README.md', 'package/LICENSE']) {
    if (!files.includes(file)) throw new Error(`${file} is missing`);
  }
}

/**
 * The subpaths of which there is something in the tarball.
 * @param {string} tarball
 */
async function present(tarball) {
  const files = (await run('tar', ['-tzf', tarball], folder)).split('\n');
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return Object.keys(exports).filter((subpath) => {
    const file = exports[subpath].import?.default;
    return file !== undefined && files.includes(join('package', file));
  });
}

/**
 * @param {string} what
 * @param {() => Promise<unknown>} work
 */
async function check(what, work) {
  const start = performance.now();
  try {
    await work();
    passed++;
    console.log(`ok: ${what} (${((performance.now() - start) / 1_000).toFixed(1)} s)`);
    return true;
  } catch (error) {
    failed++;
    console.log(`not ok: ${what}\n${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 * @param {Record<string, string>} [more] for the environment
 * @returns {Promise<string>} what it said
 */
function run(command, args, cwd, more = {}) {
  const env = { ...process.env, ...more };
  // A process that does not end by itself has failed too.
  const options = { cwd, env, timeout: 300_000, maxBuffer: 50_000_000 };
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command} ${args.join(' ')}\n${stdout}\n${stderr}`));
    });
  });
}
