/**
 * The programs of the sample as processes of their own, run the way that a newcomer runs them, with
 * all that they say and all whom they start.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Pictures and screenshots of the latest run; not in the repository. */
export const KEPT = join(process.cwd(), '.cache', 'sample-pictures');

export interface Program {
  readonly child: ChildProcess;
  readonly pid: number;
  /** All that it has said until now, errors too. */
  said(): string;
  /** What was said as errors. */
  complained(): string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

const started = new Set<ChildProcess>();

/**
 * @param program `race/main.js`, `main.js` or `instance.js`
 * @param words its arguments, or what is added to its environment
 */
export function start(
  program: string,
  ...words: readonly (string | Readonly<Record<string, string>>)[]
): Program {
  mkdirSync(KEPT, { recursive: true });
  const args = words.filter((word) => typeof word === 'string');
  const env = Object.assign({}, process.env, ...words.filter((word) => typeof word !== 'string'));
  const child = spawn(process.execPath, ['scripts/sample.mjs', program, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const { stdout, stderr } = child;
  if (child.pid === undefined || stdout === null || stderr === null) {
    throw new Error(`${program} could not be started.`);
  }
  started.add(child);
  let [said, complained] = ['', ''];
  stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    complained += text;
  });
  const ended = new Promise<Awaited<Program['ended']>>((resolve) => {
    child.once('close', (code, signal) => {
      started.delete(child);
      resolve({ code, signal });
    });
  });
  return { child, pid: child.pid, said: () => said, complained: () => complained, ended };
}

/** For `afterEach`: a test that fails must not leave a program behind. */
export function endAll(): void {
  for (const child of started) child.kill('SIGKILL');
}

/** The processes that a process has started and that are still there. */
export function childrenOf(pid: number): readonly number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (parent === pid && child !== undefined ? [child] : []));
}

/** A process that has ended but was not waited for yet is gone as well. */
export function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}
