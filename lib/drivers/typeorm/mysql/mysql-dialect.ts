/**
 * MySQL 8 and MariaDB 10.6 or later: what the statements need is `SKIP LOCKED` and several
 * statements in one packet. Tested on MariaDB 10.11; for MySQL written by its documentation.
 */
import type { EntityManager } from 'typeorm';
import type { LockTables } from '../lock-tables.js';
import type { Hold, ResourceToken, SqlDialect } from '../sql-dialect.js';
import { isMissingSchema, isTransient } from './mysql-errors.js';
import {
  createFenceStatements,
  createStatements,
  dropFenceStatements,
  dropStatements,
  quoted,
} from './mysql-schema.js';
import { MysqlStore } from './mysql-store.js';
import { BEGAN, bytes, int } from './mysql-text.js';

export const mysqlDialect: SqlDialect = {
  types: ['mysql', 'mariadb'],
  storeName: 'MySQL or MariaDB',
  createStatements,
  dropStatements,
  createFenceStatements,
  dropFenceStatements,
  connect: (connection) => new MysqlStore(connection),
  fence,
  knows,
  freshen,
  isTransient,
  isMissingSchema,
};

/** Two statements: the first waits for the row, the second reads the clock when it has it. */
async function fence(manager: EntityManager, tables: LockTables, hold: Hold): Promise<boolean> {
  const locked = await manager.query<unknown[]>(
    `SELECT ends_at FROM ${quoted(tables, tables.locks)} WHERE ${ofHold(hold)} FOR UPDATE`,
  );
  const [row] = locked as readonly { readonly ends_at: number | string }[];
  if (row === undefined) return false;
  const [clock] = await manager.query<readonly { now: number | string }[]>(
    `SELECT ${BEGAN} AS now`,
  );
  return Number(row.ends_at) > Number(clock?.now);
}

async function knows(manager: EntityManager, tables: LockTables, hold: Hold): Promise<boolean> {
  const rows = await manager.query<unknown[]>(
    `SELECT 1 AS known FROM ${quoted(tables, tables.locks)} WHERE ${ofHold(hold)}`,
  );
  return rows.length > 0;
}

function ofHold({ name, owner, token }: Hold): string {
  return `name = ${bytes(name)} AND phase = 2 AND owner = ${bytes(owner)} AND token = ${int(token)}`;
}

async function freshen(
  manager: EntityManager,
  tables: LockTables,
  { resource, token }: ResourceToken,
): Promise<number> {
  const fences = quoted(tables, tables.fences);
  // The update locks the row also where it changes nothing, until the caller's transaction ends.
  await manager.query(
    `INSERT INTO ${fences} (resource, token) VALUES (${bytes(resource)}, ${int(token)}) ` +
      'ON DUPLICATE KEY UPDATE token = GREATEST(token, VALUES(token))',
  );
  const [row] = await manager.query<readonly { token: number | string }[]>(
    `SELECT token FROM ${fences} WHERE resource = ${bytes(resource)} FOR UPDATE`,
  );
  return Number(row?.token);
}
