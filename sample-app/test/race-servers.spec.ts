/** The race on every store that is a server: fewer instances, and a shorter minute. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { sharedMariaDb, sharedPostgres, sharedRedis } from '../../test/support/servers/index.mjs';
import { endAll } from './support/program.js';
import { raceOn } from './support/whole-race.js';

const SMALL = ['--instances', '4', '--create-ms', '400'];

afterEach(endAll);

describe('the race', () => {
  it.each([
    ['postgres', sharedPostgres],
    ['mysql', sharedMariaDb],
  ])(
    'is lost without a lock and won with one on %s',
    async (store, server) => {
      const { url, stop } = await server();
      try {
        expect(await raceOn(store, '--url', url, ...SMALL)).toContain('1 creation, 4 good answers');
      } finally {
        await stop();
      }
    },
    120_000,
  );

  it('is lost without a lock and won with one on redis', async () => {
    const { url } = await sharedRedis();

    const said = await raceOn('redis', '--url', url, ...SMALL);

    expect(said).toContain('1 creation, 4 good answers');
  }, 120_000);
});
