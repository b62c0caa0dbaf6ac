// @ts-check
/**
 * How a program of Redis, PostgreSQL or MariaDB is run on this machine, first that works:
 * a binary that is here, a container if a Docker engine answers, a package installed by apt-get as
 * root on Debian or Ubuntu. Otherwise the run fails and says what to do; it never skips quietly.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { keep } from './keeper.mjs';

/** @typedef {import('./types.ts').Host} Host */
/** @typedef {import('./types.ts').Product} Product */

/**
 * `user`: whom it runs as where we are root and it refuses that. `quick`: the signal for the
 * fastest end that leaves nothing behind (PostgreSQL has shared memory to give back).
 */
const PRODUCTS = {
  redis: { server: 'redis-server', image: 'redis:7', package: 'redis-server', quick: 'KILL' },
  postgres: {
    server: 'postgres',
    image: 'postgres:17',
    package: 'postgresql',
    user: 'postgres',
    quick: 'QUIT',
  },
  mariadb: { server: 'mariadbd', image: 'mariadb:11', package: 'mariadb-server', quick: 'KILL' },
};

/** @type {Map<Product, Host>} */
const found = new Map();

/**
 * @param {Product} product
 * @returns {Host}
 */
export function hostFor(product) {
  const host = found.get(product) ?? findHost(product);
  found.set(product, host);
  return host;
}

/**
 * @param {Product} product
 * @returns {Host}
 */
function findHost(product) {
  const { server, image, package: debian } = PRODUCTS[product];
  if (locate(server) !== undefined) return binaries(product);
  if (dockerAnswers()) return containers(product, image);
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    install(debian);
    if (locate(server) !== undefined) return binaries(product);
  }
  throw new Error(
    `These tests need ${product}, and neither ${server} nor a Docker engine was found: install ` +
      `${debian}, start Docker, set TEST_${product.toUpperCase()}_URL to a server that may be ` +
      'written to, or run `npm run test:embedded`, which needs no server.',
  );
}

/**
 * Looks in PATH, in the folders of administrators, and in Debian's and Homebrew's versioned ones.
 * @param {string} program
 */
function locate(program) {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'],
    ...versioned('/usr/lib/postgresql'),
    ...versioned('/opt/homebrew/opt'),
    ...versioned('/usr/local/opt'),
  ];
  return folders.map((folder) => join(folder, program)).find(isProgram);
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The newest version first.
 * @param {string} root
 */
function versioned(root) {
  if (!existsSync(root)) return [];
  const versions = readdirSync(root).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return versions.map((version) => join(root, version, 'bin'));
}

/**
 * @param {Product} product
 * @returns {Host}
 */
function binaries(product) {
  const { quick, ...rest } = PRODUCTS[product];
  /** @type {{ uid?: number, gid?: number }} */
  const identity = 'user' in rest && process.getuid?.() === 0 ? identityOf(rest.user) : {};
  /** @param {string} program */
  const path = (program) => {
    const located = locate(program);
    if (located === undefined) throw new Error(`${program} was not found; reinstall ${product}.`);
    return located;
  };
  return {
    own(folder) {
      const { uid, gid } = identity;
      if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
    },
    run: (program, args, folder) => ending(path(program), args, { cwd: folder, ...identity }),
    start(program, args, { folder, logFile }) {
      return started(path(program), args, { cwd: folder, ...identity }, logFile, (child) => {
        const { pid } = child;
        keep(`watch ${pid} ${quick}`);
        child.once('exit', () => {
          keep(`gone ${pid}`);
        });
        return (signal) => void child.kill(signal);
      });
    },
  };
}

/**
 * @param {Product} product
 * @param {string} image
 * @returns {Host}
 */
function containers(product, image) {
  const root = process.getuid?.() === 0;
  // PostgreSQL refuses root, and a user without a name; 999 is its own in the official image.
  const linux = process.platform === 'linux';
  const borrowed = product === 'postgres' && (root || !linux);
  const uid = borrowed ? 999 : (process.getuid?.() ?? 0);
  const names = linux && !root ? ['--volume', '/etc/passwd:/etc/passwd:ro'] : [];
  const user = ['--user', `${uid}:${uid}`, ...names];
  /**
   * @param {string} name
   * @param {string} folder
   * @param {readonly number[]} ports
   */
  const options = (name, folder, ports) => [
    ...['run', '--rm', '--name', name, '--volume', `${folder}:${folder}`, '--workdir', folder],
    ...user,
    // Only Linux shares its loopback with containers; elsewhere the ports are passed through.
    ...(linux
      ? ['--network', 'host']
      : ports.flatMap((port) => ['--publish', `127.0.0.1:${port}:${port}`])),
  ];
  return {
    own(folder) {
      if (root) chownSync(folder, uid, uid);
    },
    run(program, args, folder) {
      const line = [...options(`locks-${randomUUID()}`, folder, []), '--entrypoint', program];
      return ending('docker', [...line, image, ...args], {});
    },
    start(program, args, { folder, logFile, ports }) {
      const name = `locks-${randomUUID()}`;
      const line = [...options(name, folder, ports), '--entrypoint', program, image, ...args];
      return started('docker', line, {}, logFile, () => {
        keep(`container ${name}`);
        return (signal) => {
          // Fails where the container is gone already, which is well.
          spawnSync('docker', ['kill', `--signal=${signal}`, name], { stdio: 'ignore' });
        };
      });
    },
  };
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @returns {Promise<void>}
 */
function ending(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (data) => (said += String(data)));
    child.stderr.on('data', (data) => (said += String(data)));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said}`));
    });
  });
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @param {string} logFile
 * @param {(child: import('node:child_process').ChildProcess) => (signal: NodeJS.Signals) => void}
 *   guard
 * @returns {import('./types.ts').Running}
 */
function started(command, args, options, logFile, guard) {
  const log = openSync(logFile, 'a');
  // A group of its own: Ctrl-C in the terminal must not stop it before its run has ended.
  const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  if (child.pid === undefined) throw new Error(`${command} could not be started.`);
  child.unref();
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  return { pid: child.pid, exited, signal: guard(child) };
}

/** @param {string} user */
function identityOf(user) {
  /** @param {string} flag */
  const id = (flag) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function dockerAnswers() {
  try {
    execFileSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

/** @param {string} debian */
function install(debian) {
  process.stderr.write(`Installing ${debian} with apt-get, once, for the tests.\n`);
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  // RUNLEVEL=1 keeps the package from starting a server of the system's own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  execFileSync('apt-get', ['update', '-qq', ...wait], { env, stdio: ['ignore', 2, 2] });
  const line = ['install', '-y', '-qq', '--no-install-recommends', ...wait, debian];
  execFileSync('apt-get', line, { env, stdio: ['ignore', 'ignore', 2] });
}
