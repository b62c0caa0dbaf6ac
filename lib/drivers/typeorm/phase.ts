/** What the column `phase` holds, in every dialect. */
import type { LockPhase } from '../../core/lease.js';

export const PHASE = { free: 0, claimed: 1, held: 2, resting: 3 } as const satisfies Record<
  LockPhase,
  number
>;

const NAMES = ['free', 'claimed', 'held', 'resting'] as const satisfies readonly LockPhase[];

export function phaseName(phase: number): LockPhase {
  return NAMES[phase] ?? 'free';
}
