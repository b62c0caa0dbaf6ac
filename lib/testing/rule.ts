/**
 * How rules are written down: an object from title to code, the rare trait as a word around the
 * code.
 */
import type { Capability, Rule, RuleGroup } from './harness.js';
import type { World } from './world.js';

export type Run = (world: World) => Promise<void>;

interface Traits {
  readonly needs: readonly Capability[];
  readonly patient: boolean;
  readonly run: Run;
}

/** The rules of one group, in order. */
export function rules(
  group: RuleGroup,
  written: Readonly<Record<string, Run | Traits>>,
): readonly Rule[] {
  return Object.entries(written).map(([title, rule]) => ({ group, title, ...traitsOf(rule) }));
}

/** Waits for the store's clock. */
export function patient(rule: Run | Traits): Traits {
  return { ...traitsOf(rule), patient: true };
}

/** Applies to harnesses that can do this. */
export function needs(capability: Capability, rule: Run | Traits): Traits {
  const traits = traitsOf(rule);
  return { ...traits, needs: [...traits.needs, capability] };
}

function traitsOf(rule: Run | Traits): Traits {
  return typeof rule === 'function' ? { needs: [], patient: false, run: rule } : rule;
}
