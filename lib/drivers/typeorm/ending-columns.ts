/**
 * How a hold ended, as four columns that every dialect has: plain values, so that SQL can write an
 * `expired` without building JSON.
 */
import type { Ending, EndingError } from '../../core/lease.js';

/** `how`: index into `HOW`, or null for no ending. Numbers may arrive as text (64-bit columns). */
export interface EndingColumns {
  readonly how: number | null;
  readonly owner: string | null;
  readonly token: number | string | null;
  readonly error: string | null;
}

const HOW = ['released', 'failed', 'expired', 'forced'] as const;

/** What the column `ending_how` holds. */
export const ENDING = { released: 0, failed: 1, expired: 2, forced: 3 } as const;

export function readEnding(columns: EndingColumns): Ending | null {
  const how = columns.how === null ? undefined : HOW[columns.how];
  if (how === undefined) return null;
  const owner = columns.owner ?? '';
  const token = Number(columns.token);
  if (how !== 'failed') return { how, owner, token };
  return { how, owner, token, error: JSON.parse(columns.error ?? '{}') as EndingError };
}

export function writeError(error: EndingError | null): string | null {
  return error === null ? null : JSON.stringify(error);
}
