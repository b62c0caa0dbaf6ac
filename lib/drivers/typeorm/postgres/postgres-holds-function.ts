/** PostgreSQL: the clock, and the function that proves a lease in a fenced transaction. */
import { PHASE } from '../phase.js';
import type { PostgresNames } from './postgres-schema.js';

/** The database's clock, in microseconds; `now()` would stand still during a transaction. */
export const NOW = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`;

/**
 * Whether an owner holds a lease with this first token, not run out. Waits for the row, keeps it
 * locked until the caller's transaction ends, and reads the clock only after that wait.
 */
export function holdsFunction({ holds, locks }: PostgresNames): string {
  return `CREATE OR REPLACE FUNCTION ${holds}(a_name bytea, a_owner bytea, a_token bigint)
RETURNS boolean LANGUAGE plpgsql
SET enable_seqscan TO off
AS $function$
DECLARE
  v_ends_at bigint;
BEGIN
  SELECT ends_at INTO v_ends_at FROM ${locks}
    WHERE name = a_name AND owner = a_owner AND token = a_token AND phase = ${PHASE.held}
    FOR UPDATE;
  RETURN coalesce(v_ends_at > ${NOW}, false);
END
$function$`;
}
