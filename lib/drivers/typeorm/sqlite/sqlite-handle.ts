/**
 * Our own handle on the application's SQLite file: the synchronous API of better-sqlite3, which
 * `libsql` has, too. Opened through a clone of the application's DataSource, so that its driver,
 * its encryption key and its `prepareDatabase` count here as well.
 */
import type { DataSource } from 'typeorm';
import { cloneDataSource } from '../own-data-source.js';
import { jitteredPause } from '../repeat.js';

export interface SqliteHandle {
  readonly inTransaction: boolean;
  prepare(sql: string): SqliteStatement;
  exec(sql: string): unknown;
}

export interface SqliteStatement {
  get(...values: readonly SqliteValue[]): SqliteRow | undefined;
  all(...values: readonly SqliteValue[]): readonly SqliteRow[];
  run(...values: readonly SqliteValue[]): { readonly changes: number };
}

export type SqliteValue = string | number | null | Uint8Array;
export type SqliteRow = Readonly<Record<string, unknown>>;

/** A handle, and what closes it: our own is closed, a borrowed one is not. */
export interface OpenedHandle {
  readonly handle: SqliteHandle;
  close(): Promise<void>;
}

export async function openOwnHandle(application: DataSource): Promise<OpenedHandle> {
  // SQLite's own waiting blocks the event loop: we wait in JavaScript.
  const clone = cloneDataSource(application, { timeout: 0 });
  await clone.initialize();
  try {
    const handle = await rawHandle(clone);
    // Even a setting reads the file, which another process that starts may have for itself.
    await retried(() => handle.exec('PRAGMA busy_timeout = 0'));
    // No sync at each commit: a process that dies loses nothing, and a power cut, which may take
    // the last commits back, takes every holder on this machine with it.
    await retried(() => handle.exec('PRAGMA synchronous = NORMAL'));
    return { handle, close: () => clone.destroy() };
  } catch (error) {
    await clone.destroy();
    throw error;
  }
}

export async function borrowHandle(application: DataSource): Promise<OpenedHandle> {
  return { handle: await rawHandle(application), close: () => Promise.resolve() };
}

/** A database of one process, which a second handle would not see. */
export function isInMemory({ options }: DataSource): boolean {
  const database: unknown = options.database;
  return (
    typeof database !== 'string' ||
    database === '' ||
    database.includes(':memory:') ||
    database.includes('mode=memory')
  );
}

/** Somebody else writes, or has just written: the same again, a little later, will do. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED');
}

/**
 * On a borrowed handle: the application's transaction is open, and nothing of ours may be in it.
 */
class OpenTransactionError extends Error {
  readonly code = 'SQLITE_BUSY';

  constructor() {
    super('a transaction of the application is open on the only connection there is');
  }
}

/** Several reads of one moment. */
export function snapshot<T>(handle: SqliteHandle, work: () => T): T {
  return within(handle, 'BEGIN', work);
}

/** Has the file's one write lock from its beginning, and is all done or not at all. */
export function transaction<T>(handle: SqliteHandle, work: () => T): T {
  return within(handle, 'BEGIN IMMEDIATE', work);
}

const TRIES = 100;

/** Again while the file is busy, with pauses that let the event loop go on; about two seconds. */
export async function retried<T>(work: () => T | Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await work();
    } catch (error) {
      if (tried === TRIES || !isBusy(error)) throw error;
      await jitteredPause(Math.min(tried, 20));
    }
  }
}

export function isMissingTable(error: unknown): boolean {
  const message = error instanceof Error ? error.message : '';
  return /no such (table|column)|has no column named/.test(message);
}

function within<T>(handle: SqliteHandle, begin: string, work: () => T): T {
  // Our steps would be part of it, and be rolled back with it.
  if (isOpen(handle)) throw new OpenTransactionError();
  handle.exec(begin);
  try {
    const result = work();
    handle.exec('COMMIT');
    return result;
  } catch (error) {
    // Some errors have rolled back already.
    if (isOpen(handle)) handle.exec('ROLLBACK');
    throw error;
  }
}

/** By a function: the property changes under us, and TypeScript would not believe it. */
function isOpen(handle: SqliteHandle): boolean {
  return handle.inTransaction;
}

function codeOf(error: unknown): string {
  // TypeORM wraps the binding's error and copies its fields.
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

async function rawHandle(dataSource: DataSource): Promise<SqliteHandle> {
  const runner = dataSource.createQueryRunner();
  try {
    return (await runner.connect()) as SqliteHandle;
  } finally {
    await runner.release();
  }
}
