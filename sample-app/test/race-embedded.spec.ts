/** What a newcomer runs first: the whole race, as it is by default. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { endAll } from './support/program.js';
import { raceOn } from './support/whole-race.js';

afterEach(endAll);

describe('the race on SQLite', () => {
  it('is lost without a lock by ten instances, and won with one', async () => {
    const said = await raceOn('sqlite');

    expect(said).toMatch(/seen {6}([2-9]|10) creations\n/);
    expect(said).toContain('seen      1 creation, 10 good answers');
    expect(said).toMatch(/seen {6}1 creation, "expired" seen by 1 after \d+ ms; 9 good answers/);
    expect(said).toContain('failed: CreationError: there is no licence for this');
    expect(said).toContain('seen      9 answers 423 with Retry-After, 0 before waitMs');
  }, 120_000);
});
