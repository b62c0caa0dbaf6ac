/** The checker of storm and soak, shown histories with something planted in them. */
import { describe, expect, it } from '@jest/globals';
import type { Entry } from './programs/diary.js';
import type { Row } from './programs/witness.js';
import { beliefs, wrongs } from './support/history.js';

const NAME = 'name';

/** `at taker what token until`, one a line. */
function history(text: string): readonly Entry[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [at, taker = '', what, token, until] = line.trim().split(/ +/);
      const isLoss = what === 'refused';
      return {
        at: Number(at),
        taker,
        what: what as Entry['what'],
        name: NAME,
        ...(token !== undefined && { token: Number(token) }),
        ...(until !== undefined && { until: Number(until) }),
        ...(isLoss && { code: 'LOCK_LOST' }),
      };
    });
}

function judge(text: string, rows: readonly Row[] | null = null): string {
  return wrongs(history(text), NAME, rows).join('\n');
}

describe('the checker of histories', () => {
  it('finds nothing wrong with one after the other', () => {
    const told = judge(`
      10 a granted    1 100
      11 a body-began 1
      20 a body-ended 1
      21 b granted    2 110
      22 b body-began 2
      30 b body-ended 2`);

    expect(told).toBe('');
  });

  it('finds two who believe from the start', () => {
    const told = judge(`
      10 a granted    1 100
      15 b granted    2 110
      20 a body-ended 1
      30 b body-ended 2`);

    expect(told).toContain('two believed');
  });

  it('finds one who comes while a renewed lease is believed in, beyond its first deadline', () => {
    const text = (renewal: string): string => `
      10  a granted    1 100
      ${renewal}
      150 b granted    2 240
      160 b body-ended 2
      170 a body-ended 1`;

    expect(judge(text('60  a renewed    1 160'))).toContain('two believed');
    expect(judge(text('60  a asked      1'))).toBe('');
  });

  it('takes a deadline that is too far away for a belief, though its holder was paused', () => {
    const text = (until: number): string => `
      10  a granted    1 ${until}
      105 b granted    2 195
      110 b body-ended 2
      200 a lost       1`;

    expect(judge(text(190))).toContain('two believed');
    expect(judge(text(100))).toBe('');
  });

  it('lets the dead believe nothing, and the silent until their deadline', () => {
    expect(judge('10 a granted 1 100\n20 a killed\n30 b granted 2 120')).toBe('');
    expect(judge('10 a granted 1 100\n30 b granted 2 120')).toContain('two believed');
    expect(judge('10 a granted 1 100\n110 b granted 2 200')).toBe('');
  });

  it('finds two under one roof', () => {
    const told = judge('10 a granted 1 100\n20 a granted 2 110\n30 a released 2');

    expect(told).toContain('two believed');
  });

  it('sees one in the shadow of a long one that is not its neighbour', () => {
    const told = judge(`
      10 a granted  1 500
      20 b granted  2 25
      30 c granted  3 40
      90 a released 1`);

    expect(told.match(/two believed/g)).toHaveLength(2);
  });

  it('finds bodies that overlap though beliefs do not, unless the older one was told', () => {
    const text = (loss: string): string => `
      10  a granted    1 100
      11  a body-began 1
      120 b granted    2 210
      121 b body-began 2
      ${loss}
      130 a body-ended 1
      140 b body-ended 2`;

    expect(judge(text('125 a asked   1'))).toContain('never told');
    expect(judge(text('125 b lost    2'))).toContain('never told');
    expect(judge(text('125 a lost    1'))).toBe('');
    expect(judge(text('125 a refused 1'))).toBe('');
    expect(judge(text('125 a killed'))).toBe('');
  });

  it('finds tokens that fall or stand still, but for grants that were over when told', () => {
    const text = (token: number, until: number): string => `
      10  a granted  2 100
      20  a released 2
      120 b granted  ${token} ${until}
      130 b released ${token}`;

    expect(judge(text(1, 210))).toContain('a token fell');
    expect(judge(text(2, 210))).toContain('a token fell');
    expect(judge(text(3, 210))).toBe('');
    expect(judge(text(1, 119))).toBe('');
  });

  it('finds updates that were lost, came late, or are not there', () => {
    const text = '10 a granted 1 100\n11 a counted 1\n12 a released 1';
    const first = { n: 1, token: 1 };

    expect(judge(text, [first, { n: 2, token: 5 }])).toBe('');
    expect(judge(text, [first, { n: 1, token: 5 }])).toContain('an update was lost');
    const late = { n: 3, token: 4 };
    expect(judge(text, [first, { n: 2, token: 5 }, late])).toContain('came too late');
    expect(judge(text, [])).toContain('is not there');
  });

  it('lets no other name in', () => {
    const other = history('15 b granted 2 110').map((entry) => ({ ...entry, name: 'other' }));

    const entries = [...history('10 a granted 1 100\n20 a released 1'), ...other];

    expect(wrongs(entries, NAME, null)).toEqual([]);
    expect(beliefs(entries, 'other')).toHaveLength(1);
  });
});
