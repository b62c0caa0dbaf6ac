/** What one instance is told when it starts. */
import type { StoreChoice } from './store.js';

export interface InstanceConfig {
  /** `instance-3`: for people. */
  readonly name: string;
  readonly store: StoreChoice;
  /** How long a creation takes. */
  readonly createMs: number;
  readonly ttlMs: number;
  readonly waitMs: number;
}

/** The token that the configuration is injected by. */
export const INSTANCE_CONFIG = Symbol('INSTANCE_CONFIG');
