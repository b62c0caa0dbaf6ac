/** What MySQL's and MariaDB's error numbers mean to us. */

/** The thread to be killed is not there (any more). */
export const NO_SUCH_THREAD = 1094;

/**
 * Deadlock victim; lock wait timeout; record changed since last read (a Galera or 11.x conflict).
 */
const TRANSIENT = new Set([1213, 1205, 1020]);

/** No such table; unknown column; no such database. */
const MISSING = new Set([1146, 1054, 1049]);

/** TypeORM wraps the client's error and copies its fields. */
export function errno(error: unknown): number {
  return Number((error as { errno?: unknown } | null)?.errno ?? 0);
}

export function isTransient(error: unknown): boolean {
  return TRANSIENT.has(errno(error));
}

export function isMissingSchema(error: unknown): boolean {
  return MISSING.has(errno(error));
}
