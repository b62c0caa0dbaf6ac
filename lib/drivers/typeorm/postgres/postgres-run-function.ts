/**
 * PostgreSQL: the two functions that run steps: one step with plain arguments, and many with
 * arrays. Arrays and a loop cost a lonely call a fifth of its time, and a call for each of many
 * steps would cost those more; what a step does is the same text in both.
 *
 * Atomic: each step locks its row first, and reads the clock and the line after that; tickets only
 *   change under that lock. The caller is one statement, so all steps commit together.
 *
 * Durable: grants and renewals as the database is set up. A run without any need not wait for the
 *   disk: if a crash takes back a release, the lease just lasts until its ttl; and the next grant,
 *   which does wait, brings everything before it to the disk. It also keeps NOTIFY's global lock
 *   short.
 *
 * Fast: each expression costs about a microsecond, as it is set up anew in every transaction, and a
 *   query inside an expression ten. That is why what need not run stands behind an IF.
 */
import type { PostgresNames } from './postgres-schema.js';
import { ANSWER, stepBody, stepVariables, type Asked } from './postgres-step-body.js';

/**
 * How long a lonely step waits for its row: longer than others have it as a rule, and not so long
 * that a stuck transaction (a fenced one of a process that was stopped) uses up our few
 * connections.
 */
const LONELY_PATIENCE_MS = 50;

/**
 * A plan is made once a connection and kept: made while the table is small, it would read it all,
 * and go on to when it is large. (As a SET clause of the function this costs 60 us a call.)
 */
const BY_INDEX = `v_ignored := set_config('enable_seqscan', 'off', true);`;
const UNLESS_DURABLE = `IF NOT v_durable THEN
    v_ignored := set_config('synchronous_commit', 'off', true);
  END IF;`;

const LONELY: Asked = {
  kind: 'a_kind',
  name: 'a_name',
  owner: 'a_owner',
  ttl: 'a_ttl',
  atMost: 'a_at_most',
  note: 'a_note',
  count: 'a_count',
  number: 'a_number',
  error: 'a_error',
  atLeast: 'a_at_least',
  rejoin: 'a_rejoin',
};

/** Runs one step. Waits a little for its row, since it holds no other meanwhile. */
export function stepFunction(names: PostgresNames): string {
  // The error is caught, so the server's log never hears of it.
  const wait = `IF v_locked THEN
    BEGIN
      v_ignored := set_config('lock_timeout', '${LONELY_PATIENCE_MS}', true);
      SELECT * INTO l FROM ${names.locks} WHERE name = a_name FOR UPDATE;
      v_fresh := NOT FOUND;
    EXCEPTION WHEN lock_not_available THEN RETURN;
    END;
  END IF;`;
  return `CREATE OR REPLACE FUNCTION ${names.step}(
  a_kind text, a_name bytea, a_owner bytea, a_ttl bigint, a_at_most bigint, a_note text,
  a_count integer, a_number bigint, a_error text, a_at_least bigint, a_rejoin bytea,
  a_channel text, a_changes text,
  ${ANSWER.replaceAll(/\bo_/g, 'OUT o_')}
) LANGUAGE plpgsql AS $function$
#variable_conflict use_column
DECLARE
  ${stepVariables(names)}
BEGIN
  ${BY_INDEX}
  ${stepBody(names, LONELY, wait)}
  ${UNLESS_DURABLE}
END
$function$`;
}

const GATHERED: Asked = {
  kind: 'v_kind',
  name: 'names[i]',
  owner: 'owners[i]',
  ttl: 'ttls[i]',
  atMost: 'at_mosts[i]',
  note: 'notes[i]',
  count: 'counts[i]',
  number: 'numbers[i]',
  error: 'errors[i]',
  atLeast: 'at_leasts[i]',
  rejoin: 'rejoins[i]',
};

/**
 * Runs many steps, each on another name: arrays with one place a step, `kinds` with one letter a
 * step. One row a step, in order. It waits for no row, as it holds others.
 */
export function runFunction(names: PostgresNames): string {
  const skip = 'IF v_locked THEN RETURN NEXT; CONTINUE; END IF;';
  return `CREATE OR REPLACE FUNCTION ${names.run}(
  kinds text, names bytea[], owners bytea[], ttls bigint[], at_mosts bigint[], notes text[],
  counts integer[], numbers bigint[], errors text[], at_leasts bigint[], rejoins bytea[],
  a_channel text, a_changes text
) RETURNS TABLE (
  ${ANSWER}
) LANGUAGE plpgsql AS $function$
#variable_conflict use_column
DECLARE
  v_kind text;
  ${stepVariables(names)}
BEGIN
  ${BY_INDEX}
  FOR i IN 1 .. length(kinds) LOOP
  v_kind := substr(kinds, i, 1);
  IF i > 1 THEN
    o_done := NULL; o_granted := NULL; o_token := NULL; o_tokens := NULL; o_how := NULL;
    o_owner := NULL; o_ending_token := NULL; o_error := NULL; o_holder := NULL;
    o_remaining := NULL; o_ahead := NULL; o_first_dies := NULL;
    v_dirty := false; v_shown := false; v_hand_on := false; v_asker := NULL;
  END IF;
  ${stepBody(names, GATHERED, skip)}
  RETURN NEXT;
  END LOOP;
  ${UNLESS_DURABLE}
END
$function$`;
}
