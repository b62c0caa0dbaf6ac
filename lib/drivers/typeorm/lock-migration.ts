/**
 * The tables as a TypeORM migration, for applications that make no tables at start
 * (`createTable: false`).
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { LockOptionsError } from '../../core/lock-errors.js';
import { dialectOf } from './dialects.js';
import { lockTables, type LockTables } from './lock-tables.js';
import { dataSourceOf } from './own-data-source.js';
import type { SqlDialect } from './sql-dialect.js';
import { defaultSchema } from './typeorm-options.js';

/**
 * Makes the lock tables, in whatever database the migration runs. For another table name, or a
 * later place in the order of the migrations, subclass it.
 *
 * @example
 * // migrations/1764000000000-locks.ts
 * export class Locks1764000000000 extends DistributedLockMigration {
 *   override readonly name = 'Locks1764000000000';
 * }
 */
export class DistributedLockMigration implements MigrationInterface {
  /** TypeORM orders migrations by the 13 digits at the end. */
  readonly name: string = 'DistributedLock1764000000000';
  /** As `typeOrmLocks({ table })`. */
  protected readonly table: string | undefined = undefined;

  async up(queryRunner: QueryRunner): Promise<void> {
    const { dialect, tables } = placeOf(queryRunner, this.table);
    await runAll(queryRunner, dialect.createStatements(tables));
    await runAll(queryRunner, dialect.createFenceStatements(tables));
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const { dialect, tables } = placeOf(queryRunner, this.table);
    await runAll(queryRunner, dialect.dropFenceStatements(tables));
    await runAll(queryRunner, dialect.dropStatements(tables));
  }
}

/** Makes the table of `assertFresh` alone, for data in SQL under locks that live elsewhere. */
export class FenceMigration implements MigrationInterface {
  readonly name: string = 'DistributedLockFence1764000000000';
  /** As `assertFresh(…, { table })`. */
  protected readonly table: string | undefined = undefined;

  async up(queryRunner: QueryRunner): Promise<void> {
    const { dialect, tables } = placeOf(queryRunner, this.table);
    await runAll(queryRunner, dialect.createFenceStatements(tables));
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const { dialect, tables } = placeOf(queryRunner, this.table);
    await runAll(queryRunner, dialect.dropFenceStatements(tables));
  }
}

/** What `createTable: false` says when the tables are missing, or are another version's. */
export function migrationHint(statements: readonly string[], cause: unknown): LockOptionsError {
  const error = new LockOptionsError(
    'createTable',
    false,
    'true, or the tables must be made first: they are missing or outdated ' +
      `(${cause instanceof Error ? cause.message : String(cause)}). Run the migration ` +
      `DistributedLockMigration, or:\n${statements.map((text) => `${text};`).join('\n')}\n`,
  );
  error.cause = cause;
  return error;
}

function placeOf(
  queryRunner: QueryRunner,
  table: string | undefined,
): { readonly dialect: SqlDialect; readonly tables: LockTables } {
  const dataSource = dataSourceOf(queryRunner);
  return { dialect: dialectOf(dataSource), tables: lockTables(table, defaultSchema(dataSource)) };
}

async function runAll(queryRunner: QueryRunner, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await queryRunner.query(statement);
}
