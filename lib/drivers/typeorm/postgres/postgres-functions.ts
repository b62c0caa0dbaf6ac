/**
 * PostgreSQL: our functions all together, and their version, which is made of their text: it cannot
 * be forgotten when that changes.
 */
import { createHash } from 'node:crypto';
import { lockTables, type LockTables } from '../lock-tables.js';
import { holdsFunction } from './postgres-holds-function.js';
import { runFunction, stepFunction } from './postgres-run-function.js';
import { namesOf, type PostgresNames } from './postgres-schema.js';

/** The same whatever the table is called, and whatever changes in comments and indentation. */
const VERSION = createHash('sha256')
  .update(
    functionStatements(namesOf(lockTables(), ''))
      .join('\n')
      .replaceAll(/--.*|\s+/g, ' '),
  )
  .digest('hex')
  .slice(0, 8);

export function postgresNames(tables: LockTables): PostgresNames {
  return namesOf(tables, VERSION);
}

export function functionStatements(names: PostgresNames): readonly string[] {
  return [stepFunction(names), runFunction(names), holdsFunction(names)];
}

/** Drops the functions of all versions; while their table is still there, to know the schema. */
export function dropFunctionsStatement({ schema, locks }: LockTables): string {
  const { locks: table } = postgresNames({ schema, locks, tickets: '', fences: '' });
  return `DO $do$
DECLARE
  v_function regprocedure;
BEGIN
  FOR v_function IN
    SELECT p.oid FROM pg_proc p JOIN pg_class c ON c.relnamespace = p.pronamespace
    WHERE c.oid = to_regclass('${table}') AND (starts_with(p.proname, '${locks}_step_')
      OR starts_with(p.proname, '${locks}_run_') OR starts_with(p.proname, '${locks}_holds_'))
  LOOP
    EXECUTE 'DROP FUNCTION ' || v_function;
  END LOOP;
END
$do$`;
}
