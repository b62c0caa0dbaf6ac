/** Values and clocks as SQL text that means the same under every session setting. */
import { createHash } from 'node:crypto';

/** Bytes in hexadecimal: no quoting, no character set, no `NO_BACKSLASH_ESCAPES`. */
export function bytes(text: string): string {
  return hex(Buffer.from(text, 'utf8'));
}

export function hex(bytes: Buffer): string {
  return `x'${bytes.toString('hex')}'`;
}

export function bytesOrNull(text: string | null): string {
  return text === null ? 'NULL' : bytes(text);
}

export function int(value: number): string {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe integer`);
  return String(value);
}

export function microseconds(ms: number): string {
  return int(Math.round(ms * 1_000));
}

/** Far beyond every lease; for `atMostMs: null`. */
export const NEVER = '4000000000000000';

/** Microseconds since 1970 when the statement began: stale in one that has waited for a row. */
export const BEGAN = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))";

/** The same, now, also after a wait: both ends of the difference are in the session's time zone. */
export const NOW = `${BEGAN} + TIMESTAMPDIFF(MICROSECOND, NOW(6), SYSDATE(6))`;

/** The name of a process's bell, in at most 64 characters; user locks know no schema. */
export function bellName(database: string, process: string): string {
  const address = createHash('sha256').update(`${database}\0${process}`).digest('hex');
  return `nest-lock:${address.slice(0, 40)}`;
}

/** Every owner is `${process}:n`. */
export function processOf(owner: string): string {
  return owner.slice(0, owner.lastIndexOf(':'));
}

/** What a binary column arrives as. */
export function text(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('utf8') : String(value);
}

export function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : text(value);
}
