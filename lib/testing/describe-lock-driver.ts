/**
 * Runs the rules: as tests of whatever runner is there (jest, vitest and mocha give the same
 * globals), or by hand, as `checkLockDriver`, which says what is broken.
 */
import { applies, type ConformanceHarness, type Rule } from './harness.js';
import { conformanceRules } from './rules/index.js';
import { World } from './world.js';

/** Long enough for a rule that waits for tickets to die on a machine that is busy. */
const RULE_TIMEOUT_MS = 60_000;
/** A server may have to be started, or even installed. */
const START_TIMEOUT_MS = 300_000;

/** What jest, vitest and mocha have in common; mocha names the hooks `before` and `after`. */
interface Runner {
  describe(title: string, body: () => void): void;
  it(title: string, body: () => Promise<void>, timeoutMs?: number): void;
  beforeAll?(body: () => Promise<void>, timeoutMs?: number): void;
  afterAll?(body: () => Promise<void>, timeoutMs?: number): void;
  before?(body: () => Promise<void>): void;
  after?(body: () => Promise<void>): void;
}

/** A rule of the kit that a driver broke, and how it showed. */
export interface BrokenRule {
  readonly rule: Rule;
  readonly error: unknown;
}

/**
 * Registers every rule that applies to this driver as a test.
 *
 * @example
 * describeLockDriver('my store', () => ({ push: false, newDriver: () => new MyDriver(url) }));
 */
export function describeLockDriver(
  title: string,
  makeHarness: () => ConformanceHarness,
  rules: readonly Rule[] = conformanceRules,
): void {
  const { describe, it, ...hooks } = globalThis as unknown as Runner;
  const beforeAll = hooks.beforeAll ?? hooks.before;
  const afterAll = hooks.afterAll ?? hooks.after;
  if (beforeAll === undefined || afterAll === undefined) {
    throw new Error('describeLockDriver needs the global describe, it, beforeAll and afterAll.');
  }

  describe(`${title} keeps the contract`, () => {
    const harness = makeHarness();
    const world = new World(harness);
    const sideBySide = new SideBySide(world);

    beforeAll(() => world.open(), START_TIMEOUT_MS);
    afterAll(() => world.close(), START_TIMEOUT_MS);

    const register = (rule: Rule): void => {
      const run = (): Promise<void> => sideBySide.resultOf(rule) ?? rule.run(world);
      it(
        rule.title,
        function (this: unknown) {
          setMochaTimeout(this, RULE_TIMEOUT_MS);
          return run();
        },
        RULE_TIMEOUT_MS,
      );
    };

    const mine = rules.filter((rule) => applies(rule, harness));
    const waiting = mine.filter((rule) => reallyWaits(rule, world));
    sideBySide.expect(waiting);
    for (const [group, members] of byGroup(mine.filter((rule) => !waiting.includes(rule)))) {
      describe(group, () => {
        members.forEach(register);
      });
    }
    for (const [group, members] of byGroup(waiting)) {
      describe(`${group}, in time`, () => {
        members.forEach(register);
      });
    }
  });
}

/**
 * Runs every rule that applies, and answers those that the driver breaks: for runners other than
 * jest, vitest and mocha.
 *
 * @example
 * const broken = await checkLockDriver({ push: false, newDriver: () => new MyDriver(url) });
 * for (const { rule, error } of broken) console.error(rule.title, error);
 */
export async function checkLockDriver(
  harness: ConformanceHarness,
  rules: readonly Rule[] = conformanceRules,
): Promise<readonly BrokenRule[]> {
  const world = new World(harness);
  const broken: BrokenRule[] = [];
  await world.open();
  try {
    for (const rule of rules.filter((one) => applies(one, harness))) {
      try {
        await rule.run(world);
      } catch (error) {
        broken.push({ rule, error });
      }
    }
  } finally {
    await world.close();
  }
  return broken;
}

/** Rules that really wait are all started with the first of them; each reports for itself. */
class SideBySide {
  #waiting: readonly Rule[] = [];
  #running: ReadonlyMap<Rule, Promise<void>> | null = null;

  constructor(readonly world: World) {}

  expect(rules: readonly Rule[]): void {
    this.#waiting = rules;
  }

  resultOf(rule: Rule): Promise<void> | undefined {
    if (!this.#waiting.includes(rule)) return undefined;
    this.#running ??= new Map(this.#waiting.map((each) => [each, this.#start(each)]));
    return this.#running.get(rule);
  }

  #start(rule: Rule): Promise<void> {
    const running = rule.run(this.world);
    // Whoever awaits it hears of a failure; until then it must not count as unhandled.
    running.catch(() => undefined);
    return running;
  }
}

/** The core's own timers are real, whatever the store's clock is. */
function reallyWaits(rule: Rule, world: World): boolean {
  return rule.patient && (!world.timeIsCheap || rule.group === 'The core');
}

function byGroup(rules: readonly Rule[]): ReadonlyMap<string, readonly Rule[]> {
  const groups = new Map<string, Rule[]>();
  for (const rule of rules) groups.set(rule.group, [...(groups.get(rule.group) ?? []), rule]);
  return groups;
}

function setMochaTimeout(context: unknown, timeoutMs: number): void {
  const timeout = (context as { readonly timeout?: unknown } | null | undefined)?.timeout;
  if (typeof timeout === 'function') timeout.call(context, timeoutMs);
}
