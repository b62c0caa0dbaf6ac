/** What only a process of its own can show: that it ends, and that both flavours get along. */
import { beforeAll, describe, expect, it } from '@jest/globals';

import { eventually } from '../support/eventually.js';
import { NESTS, compile, run } from './compiled.js';

describe.each(NESTS)('on %s', (_version, nest) => {
  let folder = '';
  beforeAll(() => {
    folder = compile(nest, 'processes');
  });

  it('an application that closes itself ends by itself, whatever its bodies do', async () => {
    const { ended, said } = run(folder, 'closing.js', 'close');

    expect(await ended).toEqual({ code: 0, signal: null });

    const lines = said().trim().split('\n');
    expect(lines.filter((line) => line !== 'closed').sort()).toEqual([
      'endless: aborted',
      'short: done',
      'waiter: LOCK_SHUTDOWN',
    ]);
    expect(lines).toContain('closed');
  }, 60_000);

  it('an application that is told to go does so, after the same', async () => {
    const { child, ended, said } = run(folder, 'closing.js', 'wait');
    await eventually(() => said().includes('ready'), { withinMs: 20_000 });

    child.kill('SIGTERM');

    expect(await ended).toEqual({ code: null, signal: 'SIGTERM' });
    expect(said()).toContain('short: done');
    expect(said()).toContain('endless: aborted');
    expect(said()).toContain('waiter: LOCK_SHUTDOWN');
  }, 60_000);

  it('the ESM and the CommonJS flavour of the package work together in one process', async () => {
    const { ended, said } = run(folder, 'both-flavours.js');

    await ended;

    expect(JSON.parse(said())).toEqual({
      twoCopies: true,
      byCommonJs: true,
      byEsm: true,
      skipped: true,
      knowsError: true,
      knowsOther: false,
    });
  }, 60_000);
});
