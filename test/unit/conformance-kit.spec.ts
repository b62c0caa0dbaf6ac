/** The kit bites: the rule that guards against a mistake fails on a driver that makes it. */
import { describe, expect, it } from '@jest/globals';
import { checkLockDriver, conformanceRules } from '../../lib/testing/index.js';
import { brokenDrivers, withDefect } from '../support/broken-drivers.js';
import { memoryHarness } from '../support/memory-harness.js';

/** A few rounds are enough to meet a mistake that is made every time. */
const SCALE = 0.1;

describe('the conformance kit', () => {
  it('finds nothing wrong with the memory driver', async () => {
    const rules = conformanceRules.filter(({ group }) => group !== 'The core');
    const broken = await checkLockDriver({ ...memoryHarness(), scale: SCALE }, rules);

    expect(broken).toEqual([]);
  }, 60_000);

  it.each(brokenDrivers)('catches a driver that $mistake', async ({ group, rule, defect }) => {
    const { newDriver, ...harness } = memoryHarness();
    const beside = { joined: [], failures: new Map(), ends: new Map() };
    const rules = conformanceRules.filter((each) => each.group === group && each.title === rule);

    const broken = await checkLockDriver(
      {
        ...harness,
        scale: SCALE,
        newDriver: async () => withDefect(await newDriver(), defect, beside),
      },
      rules,
    );

    expect(rules).toHaveLength(1);
    expect(broken.map((each) => each.rule.title)).toEqual([rule]);
  });

  it('has a title of its own for every rule', () => {
    const titles = conformanceRules.map(({ group, title }) => `${group}: ${title}`);

    expect(new Set(titles).size).toBe(titles.length);
  });
});
