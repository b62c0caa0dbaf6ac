/**
 * PostgreSQL: what a step does, in PL/pgSQL. It locks its row first and looks at the line after
 * that, in a snapshot taken under the lock; in one plain statement both see the same, older
 * snapshot, and two statements are two round trips. In a function each statement has its own.
 */
import { LINE_TIMES } from '../../../core/lock-driver.js';
import { ENDING } from '../ending-columns.js';
import { PHASE } from '../phase.js';
import { NOW } from './postgres-holds-function.js';
import { KIND } from './postgres-kinds.js';
import type { PostgresNames } from './postgres-schema.js';

const TICKET_US = LINE_TIMES.ticketMs * 1_000;
const CLAIM_US = LINE_TIMES.claimMs * 1_000;
/** A ticket that is asked for more often than this is not written each time. */
const REFRESHED_US = 1_000_000;

/** How a function calls what is asked of a step. Times are microseconds. */
export interface Asked {
  /** A letter of `KIND`. */
  readonly kind: string;
  readonly name: string;
  readonly owner: string;
  /** This and the next three are those of `rejoin`, if a release has one. */
  readonly ttl: string;
  readonly atMost: string;
  readonly note: string;
  readonly count: string;
  /** The token, error and shortest hold of a release. */
  readonly number: string;
  readonly error: string;
  readonly atLeast: string;
  /** The owner who asks in the same step as a release. */
  readonly rejoin: string;
}

/**
 * What a step answers. `o_done` null: the row is locked by somebody else, and nothing happened.
 * `o_granted` null: nothing was asked for.
 */
export const ANSWER = `o_done boolean, o_granted boolean, o_token bigint, o_tokens integer,
  o_how smallint, o_owner bytea, o_ending_token bigint, o_error text,
  o_holder bytea, o_remaining bigint, o_ahead integer, o_first_dies bigint`;

/** The variables of a step, fresh as they are at its start. */
export function stepVariables({ locks }: PostgresNames): string {
  return `l ${locks}%ROWTYPE;
  v_now bigint;
  v_locked boolean;
  v_fresh boolean;
  v_dirty boolean := false;
  v_shown boolean := false;
  v_hand_on boolean := false;
  v_asker bytea;
  v_free boolean;
  v_count integer;
  v_place bigint;
  v_ends_at bigint;
  v_next record;
  v_durable boolean := false;
  v_ignored text;`;
}

/**
 * One step. In scope: `stepVariables`, `ANSWER`, and the arguments `a_channel` (where this process
 * listens, or null) and `a_changes` (the channel of watchers).
 *
 * @param ifLocked what is done about `v_locked`; it must not go on while that is true.
 */
export function stepBody(
  { locks, tickets }: PostgresNames,
  asked: Asked,
  ifLocked: string,
): string {
  return `SELECT * INTO l FROM ${locks} WHERE name = ${asked.name} FOR UPDATE SKIP LOCKED;
  v_fresh := NOT FOUND;
  v_locked := false;
  IF v_fresh THEN
    v_locked := EXISTS (SELECT 1 FROM ${locks} WHERE name = ${asked.name});
  END IF;
  ${ifLocked}

  v_now := ${NOW};
  IF v_fresh THEN
    l.name := ${asked.name}; l.phase := ${PHASE.free}; l.tokens := 0; l.since := 0; l.ends_at := 0;
    l.waiting := 0; l.last_place := 0; l.watched_until := 0; l.used_at := v_now;
    l.highest := coalesce((SELECT highest FROM ${locks} WHERE name = ''::bytea), 0);
  ELSIF l.phase <> ${PHASE.free} AND l.ends_at <= v_now THEN
    -- A claim that ran out never was a hold: the ending goes on waiting. After a rest it is there.
    IF l.phase = ${PHASE.held} THEN
      l.ending_how := ${ENDING.expired}; l.ending_owner := l.owner;
      l.ending_token := l.token; l.ending_error := NULL;
    END IF;
    l.phase := ${PHASE.free};
    l.used_at := l.ends_at;
  END IF;

  IF ${asked.kind} IN ('${KIND.acquire}', '${KIND.join}') THEN
    o_done := true;
    v_asker := ${asked.owner};

  ELSIF ${asked.kind} IN ('${KIND.renew}', '${KIND.renewWithNote}') THEN
    o_done := l.phase = ${PHASE.held} AND l.owner = ${asked.owner};
    IF o_done THEN
      -- LEAST ignores a null: no such end.
      l.ends_at := least(v_now + ${asked.ttl}, l.since + ${asked.atMost});
      IF ${asked.kind} = '${KIND.renewWithNote}' THEN
        l.note := ${asked.note}; v_shown := true;
      END IF;
      v_dirty := true; v_durable := true;
    END IF;

  ELSIF ${asked.kind} = '${KIND.release}' THEN
    o_done := l.phase = ${PHASE.held} AND l.owner = ${asked.owner};
    IF o_done THEN
      l.ending_how := CASE WHEN ${asked.error} IS NULL THEN ${ENDING.released} ELSE ${ENDING.failed} END;
      l.ending_owner := l.owner; l.ending_token := ${asked.number}; l.ending_error := ${asked.error};
      IF l.since + ${asked.atLeast} > v_now THEN
        l.phase := ${PHASE.resting};
        l.ends_at := l.since + ${asked.atLeast};
        v_dirty := true;
        v_shown := true;
        -- If a crash took it back, the lease would be there again, which may end before the rest.
        v_durable := true;
      ELSE
        v_hand_on := true;
      END IF;
    END IF;
    v_asker := ${asked.rejoin};

  ELSIF ${asked.kind} = '${KIND.leave}' THEN
    o_done := true;
    IF l.waiting > 0 THEN
      DELETE FROM ${tickets} WHERE name = ${asked.name} AND owner = ${asked.owner};
      GET DIAGNOSTICS v_count = ROW_COUNT;
      IF v_count > 0 THEN
        l.waiting := l.waiting - v_count;
        v_dirty := true;
        v_shown := true;
      END IF;
    END IF;
    -- As if this grant had never been: the ending that is there is the one it was told.
    v_hand_on := l.phase IN (${PHASE.claimed}, ${PHASE.held}) AND l.owner = ${asked.owner};

  ELSIF ${asked.kind} = '${KIND.force}' THEN
    o_done := l.phase <> ${PHASE.free};
    IF o_done THEN
      l.ending_how := ${ENDING.forced}; l.ending_owner := l.owner; l.ending_error := NULL;
      l.ending_token := CASE WHEN l.phase = ${PHASE.claimed} THEN l.highest ELSE l.token END;
      v_hand_on := true;
      v_durable := true;
    END IF;

  ELSE -- '${KIND.watch}'
    o_done := true;
    l.watched_until := greatest(l.watched_until, v_now + ${asked.ttl});
    v_dirty := true;
  END IF;

  IF v_hand_on THEN
    l.phase := ${PHASE.free}; l.note := NULL; l.used_at := v_now;
    v_dirty := true;
    v_shown := true;
    IF l.waiting > 0 THEN
      SELECT t.owner, t.place, t.channel INTO v_next FROM ${tickets} t
        WHERE t.name = ${asked.name} AND t.ends_at > v_now ORDER BY t.place LIMIT 1;
      IF FOUND THEN
        DELETE FROM ${tickets} WHERE name = ${asked.name} AND place <= v_next.place;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        l.waiting := l.waiting - v_count;
        l.phase := ${PHASE.claimed}; l.owner := v_next.owner;
        l.since := v_now; l.ends_at := v_now + ${CLAIM_US};
        IF v_next.channel IS NOT NULL THEN
          PERFORM pg_notify(v_next.channel, encode(v_next.owner, 'hex'));
        END IF;
      ELSE
        DELETE FROM ${tickets} WHERE name = ${asked.name};
        l.waiting := 0;
      END IF;
    END IF;
  END IF;

  IF v_asker IS NOT NULL THEN
    IF l.phase = ${PHASE.held} AND l.owner = v_asker THEN
      l.ends_at := least(v_now + ${asked.ttl}, l.since + ${asked.atMost});
      v_shown := l.note IS DISTINCT FROM ${asked.note};
      l.note := ${asked.note};
      o_granted := true;
    ELSE
      v_free := l.phase = ${PHASE.claimed} AND l.owner = v_asker;
      IF l.phase = ${PHASE.free} THEN
        v_free := true;
        IF l.waiting > 0 THEN
          SELECT t.owner, t.ends_at INTO v_next FROM ${tickets} t
            WHERE t.name = ${asked.name} AND t.ends_at > v_now ORDER BY t.place LIMIT 1;
          v_free := NOT FOUND OR v_next.owner = v_asker;
          IF NOT v_free THEN o_first_dies := v_next.ends_at - v_now; END IF;
        END IF;
      END IF;
      o_granted := v_free;
      IF v_free THEN
        IF l.waiting > 0 THEN
          DELETE FROM ${tickets}
            WHERE name = ${asked.name} AND (owner = v_asker OR ends_at <= v_now);
          GET DIAGNOSTICS v_count = ROW_COUNT;
          l.waiting := l.waiting - v_count;
        END IF;
        l.phase := ${PHASE.held}; l.owner := v_asker; l.since := v_now;
        l.ends_at := v_now + least(${asked.ttl}, ${asked.atMost});
        l.token := greatest(l.highest + 1, v_now);
        l.tokens := ${asked.count};
        l.highest := l.token + l.tokens - 1;
        l.note := ${asked.note};
        v_shown := true;
      END IF;
    END IF;

    IF o_granted THEN
      o_token := l.token; o_tokens := l.tokens;
      o_how := l.ending_how; o_owner := l.ending_owner;
      o_ending_token := l.ending_token; o_error := l.ending_error;
      l.used_at := v_now;
      v_dirty := true;
      v_durable := true;
    ELSE
      v_place := NULL;
      IF l.waiting > 0 THEN
        DELETE FROM ${tickets} WHERE name = ${asked.name} AND ends_at <= v_now;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count > 0 THEN
          l.waiting := l.waiting - v_count; v_dirty := true; v_shown := true;
        END IF;
        SELECT t.place, t.ends_at INTO v_place, v_ends_at FROM ${tickets} t
          WHERE t.name = ${asked.name} AND t.owner = v_asker;
      END IF;
      IF ${asked.kind} <> '${KIND.acquire}' AND v_place IS NULL THEN
        l.last_place := l.last_place + 1;
        v_place := l.last_place;
        INSERT INTO ${tickets} (name, place, owner, ends_at, channel)
          VALUES (${asked.name}, v_place, v_asker, v_now + ${TICKET_US}, a_channel);
        l.waiting := l.waiting + 1; l.used_at := v_now; v_dirty := true; v_shown := true;
      ELSIF ${asked.kind} <> '${KIND.acquire}' AND v_ends_at < v_now + ${TICKET_US - REFRESHED_US} THEN
        UPDATE ${tickets} SET ends_at = v_now + ${TICKET_US}, channel = a_channel
          WHERE name = ${asked.name} AND place = v_place;
      END IF;
      o_holder := CASE WHEN l.phase <> ${PHASE.free} THEN l.owner END;
      o_remaining := CASE WHEN l.phase <> ${PHASE.free} THEN l.ends_at - v_now ELSE 0 END;
      o_ahead := 0;
      IF l.waiting > 0 THEN
        o_ahead := (SELECT count(*) FROM ${tickets} t WHERE t.name = ${asked.name}
          AND t.ends_at > v_now AND (v_place IS NULL OR t.place < v_place));
      END IF;
    END IF;
  END IF;

  IF v_dirty AND v_fresh THEN
    INSERT INTO ${locks} SELECT l.* ON CONFLICT (name) DO NOTHING;
    IF NOT FOUND THEN
      -- Somebody made the row just now. A name without a row has no tickets, so nothing was changed.
      o_done := NULL;
      v_shown := false;
    END IF;
  ELSIF v_dirty THEN
    UPDATE ${locks} SET
      phase = l.phase, owner = l.owner, token = l.token, tokens = l.tokens, highest = l.highest,
      since = l.since, ends_at = l.ends_at, ending_how = l.ending_how,
      ending_owner = l.ending_owner, ending_token = l.ending_token,
      ending_error = l.ending_error, note = l.note, waiting = l.waiting,
      last_place = l.last_place, watched_until = l.watched_until, used_at = l.used_at
      WHERE name = ${asked.name};
  END IF;
  IF v_shown AND l.watched_until > v_now THEN
    PERFORM pg_notify(a_changes, encode(${asked.name}, 'hex'));
  END IF;`;
}
