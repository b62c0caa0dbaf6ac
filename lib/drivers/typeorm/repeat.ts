/** Asking again what the database refused for a reason that passes. */
import type { SqlDialect } from './sql-dialect.js';

const TRIES = 6;
const FIRST_PAUSE_MS = 4;

/** Deadlock victims, serialization failures and lock wait timeouts are tried again, a few times. */
export async function repeatTransient<T>(
  dialect: Pick<SqlDialect, 'isTransient'>,
  work: () => Promise<T>,
): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await work();
    } catch (error) {
      if (tried === TRIES || !dialect.isTransient(error)) throw error;
      await jitteredPause(FIRST_PAUSE_MS * 2 ** (tried - 1));
    }
  }
}

/**
 * Somewhere from half of `ms` to one and a half of it, so that those who met once do not meet
 * again.
 */
export function jitteredPause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms * (0.5 + Math.random()));
  });
}
