/** What the rows that a batch reads at its end (`mysql-batch.ts`) say of each step. */
import type { AcquireRequest, ReleaseRequest, RenewRequest } from '../../../core/lock-driver.js';
import type { SqlAnswer } from '../sql-dialect.js';
import type { MysqlRow } from './mysql-connections.js';
import { granted, readName, refused, type NameRow } from './mysql-rows.js';
import { text } from './mysql-text.js';

/** By name, which is unique in a run; a step that is not in it was left as it was. */
export type Answers = ReadonlyMap<string, SqlAnswer>;

export const RELEASED: SqlAnswer = { released: true, rejoined: null };

/** @param onGrant called with the row of each name that was granted. */
export function readTaken(
  requests: readonly AcquireRequest[],
  rows: readonly MysqlRow[],
  onGrant: (row: NameRow) => void,
): Answers {
  const found = indexed(rows);
  const answers = new Map<string, SqlAnswer>();
  for (const { name, owner, line } of requests) {
    const columns = found.get(name);
    if (columns === undefined) continue;
    const row = readName(columns);
    const isOurs = row.owner === owner;
    if (isOurs && row.written === 'held' && row.since === row.now) {
      onGrant(row);
      answers.set(name, granted(row));
    } else if (!isOurs && row.phase === 'held' && row.waiting === 0 && line === 'none') {
      answers.set(name, refused(row, { ahead: 0, firstEndsAt: null, pushed: false }));
    }
  }
  return answers;
}

export function readFreed(requests: readonly ReleaseRequest[], rows: readonly MysqlRow[]): Answers {
  const found = indexed(rows);
  const answers = new Map<string, SqlAnswer>();
  for (const { name, owner } of requests) {
    const row = found.get(name);
    if (row === undefined || Number(row.phase) !== 0) continue;
    const isOurs = text(row.ending_owner) === owner && Number(row.used_at) === Number(row.now);
    if (isOurs) answers.set(name, RELEASED);
  }
  return answers;
}

/** Answers every step; `busy` for the rows that somebody else has locked. */
export function readRenewed(requests: readonly RenewRequest[], rows: readonly MysqlRow[]): Answers {
  const found = indexed(rows);
  const answers = new Map<string, SqlAnswer>();
  for (const { name, owner } of requests) {
    const columns = found.get(name);
    const row = columns === undefined ? null : readName(columns);
    const isOurs = row?.owner === owner && row.written === 'held';
    // Ours and alive, but as it was: somebody has the row locked just now.
    const unread = isOurs && row.phase === 'held' ? 'busy' : false;
    answers.set(name, isOurs && row.usedAt === row.now ? true : unread);
  }
  return answers;
}

function indexed(rows: readonly MysqlRow[]): ReadonlyMap<string, MysqlRow> {
  return new Map(rows.map((row) => [text(row.name), row]));
}
