/** Whatever way the race ends, no process stays behind. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.js';
import { childrenOf, endAll, isAlive, start, type Program } from './support/program.js';

const SMALL = ['--instances', '3', '--picture', '.cache/sample-pictures/left-over.html'];

afterEach(endAll);

/** The instances of a race that plays: its first act has begun. */
async function instancesOf(race: Program): Promise<readonly number[]> {
  await eventually(
    () => {
      expect(race.said()).toContain('Without a lock');
    },
    { withinMs: 60_000 },
  );
  const instances = childrenOf(race.pid);
  expect(instances).toHaveLength(3);
  return instances;
}

async function allGone(pids: readonly number[]): Promise<void> {
  await eventually(
    () => {
      expect(pids.filter(isAlive)).toEqual([]);
    },
    { withinMs: 15_000 },
  );
}

describe('the race', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)(
    'ends its instances on %s',
    async (signal, expected) => {
      const race = start('race/main.js', ...SMALL);
      const instances = await instancesOf(race);

      race.child.kill(signal);

      expect((await race.ended).code).toBe(expected);
      expect(race.complained()).toBe('');
      // Not only soon: it has waited for them.
      expect(instances.filter(isAlive)).toEqual([]);
    },
    120_000,
  );

  it('ends instances that are only just starting', async () => {
    const race = start('race/main.js', ...SMALL);
    let instances: readonly number[] = [];
    await eventually(
      () => {
        instances = childrenOf(race.pid);
        expect(instances).toHaveLength(3);
      },
      { withinMs: 60_000 },
    );

    race.child.kill('SIGINT');

    expect((await race.ended).code).toBe(130);
    expect(instances.filter(isAlive)).toEqual([]);
  }, 120_000);

  it('leaves no instance behind when it is killed itself', async () => {
    // So long that no instance has anything to say, and fails to say it, in the time of this test.
    const race = start('race/main.js', ...SMALL, '--create-ms', '60000');
    const instances = await instancesOf(race);

    race.child.kill('SIGKILL');

    await allGone([race.pid, ...instances]);
  }, 120_000);

  it('says so, plays on and ends all when an instance fails in an act', async () => {
    const race = start('race/main.js', ...SMALL);
    const instances = await instancesOf(race);
    await eventually(
      () => {
        expect(race.said()).toContain('With @WithLock');
      },
      { withinMs: 60_000 },
    );

    // Between all of them, the one that creates.
    for (const pid of instances) process.kill(pid, 'SIGKILL');

    expect((await race.ended).code).toBe(1);
    expect(race.said()).toContain('✖ With @WithLock');
    expect(race.said()).toContain('✔ The holder hangs');
    expect(childrenOf(race.pid)).toEqual([]);
  }, 120_000);
});
