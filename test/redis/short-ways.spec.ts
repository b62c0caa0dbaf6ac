/**
 * The scripts serve the common cases by a short way of their own, without the machine of the line.
 * The conformance kit often takes the long way (with a note, with an error): here are the short
 * ones.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sharedRedis } from '../support/servers/index.mjs';
import { eventually } from '../support/eventually.js';
import { TestProcess } from './process.js';

let one: TestProcess;

beforeAll(async () => {
  const { url, namespace } = await sharedRedis();
  one = await TestProcess.open({ url, namespace });
}, 60_000);

afterAll(() => one.driver.close());

async function takeAndLetRunOut(name: string): Promise<{ by: string; token: number }> {
  const taken = await one.take(name, { ttlMs: 50 });
  await eventually(async () => expect((await one.driver.inspect(name)).phase).toBe('free'));
  return taken;
}

describe('the short way', () => {
  it('renews no lease that ran out, without a note too', async () => {
    const { by } = await takeAndLetRunOut('renew');

    expect(await one.renews('renew', by)).toBe(false);

    expect((await one.driver.inspect('renew')).phase).toBe('free');
  });

  it('takes no lease back that ran out, without an error too', async () => {
    const { by, token } = await takeAndLetRunOut('release');

    expect(await one.release('release', by, token)).toEqual({ released: false, rejoined: null });

    expect((await one.take('release')).previous).toMatchObject({
      how: 'expired',
      owner: by,
      token,
    });
  });

  it('renews and takes back nothing for a stranger', async () => {
    const { by } = await one.take('stranger');
    const stranger = one.owner();

    expect(await one.renews('stranger', stranger)).toBe(false);
    expect(await one.release('stranger', stranger)).toMatchObject({ released: false });

    expect(await one.driver.inspect('stranger')).toMatchObject({ phase: 'held', owner: by });
  });

  it('prolongs a lease in place, and leaves its note, ending and token alone', async () => {
    const first = await one.take('in place');
    await one.release('in place', first.by, first.token);
    const { by, token } = await one.take('in place', { ttlMs: 5_000 });

    expect(await one.renews('in place', by)).toBe(true);

    const state = await one.driver.inspect('in place');
    expect(state).toMatchObject({ phase: 'held', owner: by, token, note: null });
    expect(state.remainingMs).toBeGreaterThan(25_000);
    const again = await one.take('in place', { owner: by });
    expect(again).toMatchObject({ token, previous: { how: 'released', owner: first.by } });
  });

  it('serves a batch of names known and unknown, held and free, each right', async () => {
    const known = await one.take('known');
    await one.release('known', known.by, known.token);
    await one.take('held');
    const names = ['new 1', 'known', 'held', 'new 2', 'held', 'new 1', 'new 3'];

    const answers = await Promise.all(names.map((name) => one.acquire(name)));

    const granted = answers.map((answer) => answer.granted);
    expect(granted).toEqual([true, true, false, true, false, false, true]);
    expect(answers[1]).toMatchObject({ previous: { how: 'released', owner: known.by } });
    expect(answers[0]).toMatchObject({ previous: null, tokens: 1 });
  });
});
