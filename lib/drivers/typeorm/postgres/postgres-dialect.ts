/** PostgreSQL 12 and later. */
import type { EntityManager } from 'typeorm';
import type { LockTables } from '../lock-tables.js';
import { PHASE } from '../phase.js';
import type { Hold, ResourceToken, SqlConnection, SqlDialect, SqlStore } from '../sql-dialect.js';
import { sqlState } from './postgres-client.js';
import { dropFunctionsStatement, functionStatements, postgresNames } from './postgres-functions.js';
import { fenceTableStatement, tableStatements } from './postgres-schema.js';
import { MISSING, PostgresStore } from './postgres-store.js';
import { bytes } from './postgres-steps.js';

/**
 * Serialization failure, deadlock victim, lock not available in time; too many connections just
 * now.
 */
const TRANSIENT = new Set(['40001', '40P01', '55P03', '53300']);
/**
 * Undefined table, column, function; a function that is there twice; a schema that is not there.
 */
const MISSING_SCHEMA = new Set(['42P01', '42703', '42883', '42725', '3F000', MISSING]);

export const postgresDialect: SqlDialect = {
  types: ['postgres'],
  storeName: 'PostgreSQL',

  createStatements(tables: LockTables): readonly string[] {
    const names = postgresNames(tables);
    return [...tableStatements(names), ...functionStatements(names)];
  },

  dropStatements(tables: LockTables): readonly string[] {
    const { tickets, locks } = postgresNames(tables);
    return [
      dropFunctionsStatement(tables),
      `DROP TABLE IF EXISTS ${tickets}`,
      `DROP TABLE IF EXISTS ${locks}`,
    ];
  },

  createFenceStatements: (tables) => [fenceTableStatement(postgresNames(tables))],
  dropFenceStatements: (tables) => [`DROP TABLE IF EXISTS ${postgresNames(tables).fences}`],

  connect(connection: SqlConnection): SqlStore {
    return new PostgresStore(connection, postgresDialect.createStatements(connection.tables));
  },

  async fence(manager: EntityManager, tables: LockTables, hold: Hold): Promise<boolean> {
    const { holds } = postgresNames(tables);
    const text = `SELECT ${holds}($1, $2, $3) AS holds`;
    const [row] = await manager.query<readonly { holds: boolean }[]>(text, parameters(hold));
    return row?.holds === true;
  },

  async knows(manager: EntityManager, tables: LockTables, hold: Hold): Promise<boolean> {
    const { locks } = postgresNames(tables);
    const text =
      `SELECT 1 FROM ${locks} ` +
      `WHERE name = $1 AND owner = $2 AND token = $3 AND phase = ${PHASE.held}`;
    return (await manager.query<readonly unknown[]>(text, parameters(hold))).length > 0;
  },

  async freshen(
    manager: EntityManager,
    tables: LockTables,
    { resource, token }: ResourceToken,
  ): Promise<number> {
    const { fences } = postgresNames(tables);
    // The update locks the row also where it changes nothing, until the caller's transaction ends.
    const text = `INSERT INTO ${fences} AS f (resource, token) VALUES ($1, $2)
ON CONFLICT (resource) DO UPDATE SET token = greatest(f.token, excluded.token) RETURNING token`;
    const [row] = await manager.query<readonly { token: string }[]>(text, [bytes(resource), token]);
    return Number(row?.token);
  },

  isTransient: (error) => TRANSIENT.has(sqlState(error) ?? ''),
  isMissingSchema: (error) =>
    MISSING_SCHEMA.has(sqlState(error) ?? String((error as { code?: unknown } | null)?.code)),
};

function parameters({ name, owner, token }: Hold): unknown[] {
  return [bytes(name), bytes(owner), token];
}
