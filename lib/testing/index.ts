/**
 * `nestjs-distributed-lock/testing`: what every lock driver must do, as tests for yours. See
 * `docs/writing-a-driver.md`.
 */
export { checkLockDriver, describeLockDriver, type BrokenRule } from './describe-lock-driver.js';
export type { Capability, ConformanceHarness, Rule, RuleGroup } from './harness.js';
export { Caller, Process } from './caller.js';
export { World } from './world.js';
export { conformanceRules } from './rules/index.js';
