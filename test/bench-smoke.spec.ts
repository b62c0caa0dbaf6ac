/**
 * The bench in small: every scenario with our library and the bare limits, about a minute in all.
 * It is about the bench, not about speed: no figure is looked at.
 *
 * @needs-servers
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const run = promisify(execFile);
/** Many times what it takes, for machines that do other things meanwhile. */
const LIMIT_MS = 600_000;

describe('the bench', () => {
  it(
    'runs every scenario without a failed acquire or a lost update',
    async () => {
      const { stdout } = await run(process.execPath, ['bench/run.mjs', '--smoke'], {
        timeout: LIMIT_MS - 10_000,
      });

      expect(stdout).toMatch(/\[(\d+)\/\1\]/);
      expect(stdout).not.toContain('✗');
    },
    LIMIT_MS,
  );
});
