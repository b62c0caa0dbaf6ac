/** The first ten thousand worlds; in two files, so that they run side by side. */
import { describe, expect, it } from '@jest/globals';
import { brokenSeeds } from './run-seeds.js';

const FROM = 1;
const EACH = 1_000;

describe('in every simulated world', () => {
  it.each(Array.from({ length: 10 }, (_, chunk) => FROM + chunk * EACH))(
    'no rule is broken: seeds from %d',
    async (from) => {
      await expect(brokenSeeds(from, EACH)).resolves.toEqual([]);
    },
    300_000,
  );
});
