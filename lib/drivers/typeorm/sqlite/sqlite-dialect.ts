/**
 * SQLite: the tables, the store, and the proof in a transaction on the application's own handle.
 * For files that several processes of one machine share, and, in memory, for one process.
 */
import type { EntityManager } from 'typeorm';
import type { LockTables } from '../lock-tables.js';
import type { Hold, ResourceToken, SqlDialect } from '../sql-dialect.js';
import { isBusy, isMissingTable, retried } from './sqlite-handle.js';
import {
  createFenceStatements,
  createStatements,
  dropFenceStatements,
  dropStatements,
  NOW,
  quoted,
} from './sqlite-schema.js';
import { SqliteStore } from './sqlite-store.js';

export const sqliteDialect: SqlDialect = {
  types: ['better-sqlite3'],
  storeName: 'SQLite',
  createStatements,
  dropStatements,
  createFenceStatements,
  dropFenceStatements,
  connect: (connection) => new SqliteStore(connection),
  begin,
  fence,
  knows,
  freshen,
  isTransient: isBusy,
  isMissingSchema: isMissingTable,
};

/**
 * Takes the file, by a write that changes nothing. A busy file is asked for again with the same
 * words: libsql keeps what a statement that failed has read until that very statement succeeds, and
 * the application would look at an old state of its data for as long.
 */
async function begin(manager: EntityManager, tables: LockTables): Promise<void> {
  const locks = quoted(tables, tables.locks);
  await retried(() => manager.query(`UPDATE ${locks} SET used_at = used_at WHERE 0`));
}

/**
 * The write changes nothing: it takes the file's write lock, and keeps it until the transaction
 * ends.
 */
async function fence(manager: EntityManager, tables: LockTables, hold: Hold): Promise<boolean> {
  const locks = quoted(tables, tables.locks);
  await manager.query(`UPDATE ${locks} SET used_at = used_at WHERE name = ?`, [hold.name]);
  return isHolding(manager, tables, hold, `AND ends_at > ${NOW}`);
}

async function knows(manager: EntityManager, tables: LockTables, hold: Hold): Promise<boolean> {
  return isHolding(manager, tables, hold, '');
}

async function isHolding(
  manager: EntityManager,
  tables: LockTables,
  { name, owner, token }: Hold,
  alive: string,
): Promise<boolean> {
  const rows = await manager.query<unknown[]>(
    `SELECT 1 AS holds FROM ${quoted(tables, tables.locks)} ` +
      `WHERE name = ? AND phase = 2 AND owner = ? AND token = ? ${alive}`,
    [name, owner, token],
  );
  return rows.length === 1;
}

async function freshen(
  manager: EntityManager,
  tables: LockTables,
  { resource, token }: ResourceToken,
): Promise<number> {
  const rows = await manager.query<{ token: number }[]>(
    `INSERT INTO ${quoted(tables, tables.fences)} (resource, token) VALUES (?, ?) ` +
      'ON CONFLICT (resource) DO UPDATE SET token = max(token, excluded.token) RETURNING token',
    [resource, token],
  );
  return Number(rows[0]?.token);
}
