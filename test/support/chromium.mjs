// @ts-check
/**
 * A real Chromium for tests of pages, first that works: CHROMIUM_PATH, a browser of this machine, a
 * package installed by apt-get as root on Debian or Ubuntu. Otherwise the run fails and says what
 * to do; it never skips quietly.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const APPLICATIONS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** It asks nobody outside for anything, and works as root and in a container. */
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage'],
  ...['--no-first-run', '--disable-background-networking', '--disable-component-update'],
  '--disable-sync',
];

/** Started with a folder of its own, which it removes when it is closed. */
export function startChromium() {
  return chromium.launch({ executablePath: findChromium(), args: FLAGS });
}

/** @returns {string} */
function findChromium() {
  const given = process.env['CHROMIUM_PATH'];
  if (given !== undefined && given !== '') {
    if (isProgram(given)) return given;
    throw new Error(`CHROMIUM_PATH is ${given}, which is no program that can be run.`);
  }
  const found = locate() ?? installed();
  if (found !== undefined) return found;
  throw new Error(
    'These tests need Chromium, and none was found: install chromium or Chrome, or set ' +
      'CHROMIUM_PATH to its program, or run `npm run test:embedded`, which needs none.',
  );
}

function locate() {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = PROGRAMS.flatMap((program) => folders.map((folder) => join(folder, program)));
  return [...paths, ...APPLICATIONS].find(isProgram);
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

function installed() {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return undefined;
  process.stderr.write('Installing chromium with apt-get, once, for the tests.\n');
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-qq', ...wait], { env, stdio: ['ignore', 2, 2] });
  const line = ['install', '-y', '-qq', '--no-install-recommends', ...wait, 'chromium'];
  execFileSync('apt-get', line, { env, stdio: ['ignore', 'ignore', 2] });
  return locate();
}
