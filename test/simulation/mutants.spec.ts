/** The checker is worth what it catches: every way to break the core must break a rule. */
import { describe, expect, it } from '@jest/globals';
import { hunt } from './hunt.mjs';
import { mutants } from './mutants.mjs';

/** More than the hardest of them needs. */
const SEEDS = 5_000;

describe('the simulation catches', () => {
  it.each(mutants.map((mutant) => [mutant.says, mutant] as const))(
    '%s',
    async (_, mutant) => {
      await expect(hunt(mutant, SEEDS)).resolves.not.toBeNull();
    },
    300_000,
  );

  it('nothing where nothing is broken', async () => {
    await expect(hunt(null, 100)).resolves.toBeNull();
  });
});
