// @ts-check
/**
 * Nothing may stay behind, however a run ends: Ctrl-C, a crash, kill -9. A small shell script
 * (keeper.sh) holds the other end of a pipe; when this process is gone, it removes what is left.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @type {import('node:stream').Writable | undefined} */
let pipe;

/** @param {string} line one command of keeper.sh */
export function keep(line) {
  pipe ??= startKeeper();
  pipe.write(`${line}\n`);
}

/**
 * The folder of the whole run if Jest made one, else one of this process; short, since the path of
 * a socket has 107 characters at most.
 */
export function runFolder() {
  return (process.env['TEST_SERVERS_FOLDER'] ??= newRunFolder());
}

/** @param {string} prefix */
export function newFolder(prefix) {
  const folder = mkdtempSync(join(runFolder(), `${prefix}-`));
  keep(`folder ${folder}`);
  return folder;
}

/** @param {string} folder */
export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  keep(`done ${folder}`);
}

function newRunFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'locks-'));
  // The user that a server runs as must get through to its own folder.
  chmodSync(folder, 0o711);
  keep(`folder ${folder}`);
  return folder;
}

function startKeeper() {
  const script = fileURLToPath(new URL('keeper.sh', import.meta.url));
  const keeper = spawn('sh', [script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  keeper.unref();
  /** @type {import('node:net').Socket} */ (keeper.stdin).unref();
  return keeper.stdin;
}
