// @ts-check
/**
 * One server and its life: start, stop, kill, pause, restart on the same port. The files per
 * product say how it is started and how one sees that it is ready; this one does the rest.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { newFolder, removeFolder, runFolder } from './keeper.mjs';
import { hostFor } from './hosts.mjs';

const READY_WITHIN_MS = 60_000;
const START_TRIES = 10;
const GONE_WITHIN_MS = 20_000;

/**
 * @typedef {object} Recipe
 * @property {import('./types.ts').Product} product
 * @property {string} program
 * @property {number} port
 * @property {readonly number[]} [morePorts]
 * @property {string} url
 * @property {NodeJS.Signals} graceful the signal for a shutdown in good order
 * @property {(folder: string) => readonly string[]} args `folder` has an empty or filled `data`
 * @property {(data: string) => Promise<void>} [fill] makes the data folder of an empty server
 * @property {() => Promise<boolean>} isReady
 */

/**
 * @param {Recipe} recipe
 * @returns {Promise<import('./types.ts').TestServer>}
 */
export async function startServer(recipe) {
  const host = hostFor(recipe.product);
  const folder = newFolder(recipe.product);
  const data = join(folder, 'data');
  const logFile = join(folder, 'log');
  host.own(folder);
  /** @type {import('./types.ts').Running | null} */
  let running = null;

  const prepare = async () => {
    if (recipe.fill === undefined) mkdirSync(data);
    else copyFolder(await filled(recipe.product, recipe.fill), data);
    if (recipe.fill === undefined) host.own(data);
  };

  const tryUp = async () => {
    const ports = [recipe.port, ...(recipe.morePorts ?? [])];
    const process = host.start(recipe.program, recipe.args(folder), { folder, logFile, ports });
    running = process;
    let ended = false;
    void process.exited.then(() => {
      ended = true;
      if (running === process) running = null;
    });
    const until = performance.now() + READY_WITHIN_MS;
    while (!(await recipe.isReady())) {
      if (ended) return false;
      if (performance.now() > until) throw new Error(`${recipe.program} does not get ready.`);
      await sleep(20);
    }
    return true;
  };

  const up = async () => {
    // The children of a killed PostgreSQL may need a moment to go before it can be started again.
    for (let tries = 0; tries < START_TRIES; tries++) {
      if (await tryUp()) return;
      await sleep(100);
    }
    throw new Error(`${recipe.program} ends at once when started; its log:\n${server.log()}`);
  };

  /** @param {NodeJS.Signals} signal */
  const down = async (signal) => {
    const process = running;
    if (process === null) return;
    process.signal(signal);
    process.signal('SIGCONT');
    // The timer also keeps the event loop alive: the child itself does not.
    const timer = setTimeout(() => {
      process.signal('SIGKILL');
    }, GONE_WITHIN_MS);
    await process.exited;
    clearTimeout(timer);
  };

  const server = {
    host: '127.0.0.1',
    port: recipe.port,
    url: recipe.url,
    get pid() {
      return running?.pid ?? null;
    },
    shutdown: () => down(recipe.graceful),
    kill9: () => down('SIGKILL'),
    async stop() {
      await down(recipe.product === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
      removeFolder(folder);
    },
    /** @param {{ readonly empty?: boolean }} [options] */
    async restart({ empty = false } = {}) {
      await down(recipe.graceful);
      if (empty) {
        rmSync(data, { recursive: true, force: true });
        await prepare();
      }
      await up();
    },
    async pause() {
      running?.signal('SIGSTOP');
    },
    async resume() {
      running?.signal('SIGCONT');
    },
    log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''),
  };

  try {
    await prepare();
    await up();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/**
 * The filled data folder of a product, made once in a run and then copied: making it takes seconds.
 * @param {import('./types.ts').Product} product
 * @param {(data: string) => Promise<void>} fill
 */
async function filled(product, fill) {
  const template = join(runFolder(), `template-${product}`);
  if (existsSync(template)) return template;
  const draft = newFolder('draft');
  hostFor(product).own(draft);
  await fill(join(draft, 'data'));
  try {
    // Two may have been at it; the rename lets one win, and the draft of the other goes.
    renameSync(join(draft, 'data'), template);
  } catch (error) {
    if (!existsSync(template)) throw error;
  }
  removeFolder(draft);
  return template;
}

/**
 * With owners and times, and much faster than file by file from here.
 * @param {string} from
 * @param {string} to
 */
function copyFolder(from, to) {
  execFileSync('cp', ['-pR', from, to]);
}
