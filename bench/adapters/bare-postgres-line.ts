/**
 * The least that a line with a pushed grant costs on PostgreSQL: one function call to take or to
 * queue, one to hand over, and NOTIFY to the next. Nobody in this line ever dies. What bounds it is
 * NOTIFY: each wakes the backend of every process that listens in the same database.
 */
import pg from 'pg';
import type { Contender } from '../harness/contract.js';
import { fromHold } from './from-hold.js';

const SETUP = `
SELECT pg_advisory_xact_lock(1);
CREATE TABLE IF NOT EXISTS bare_held (name text PRIMARY KEY, owner text);
CREATE TABLE IF NOT EXISTS bare_line (id bigserial PRIMARY KEY, name text, owner text);
CREATE OR REPLACE FUNCTION bare_take(a_name text, a_owner text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(a_name, 0));
  INSERT INTO bare_held VALUES (a_name, a_owner) ON CONFLICT DO NOTHING;
  IF FOUND THEN RETURN true; END IF;
  INSERT INTO bare_line (name, owner) VALUES (a_name, a_owner);
  RETURN false;
END $$;
CREATE OR REPLACE FUNCTION bare_hand_over(a_name text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_next text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(a_name, 0));
  DELETE FROM bare_line WHERE id = (SELECT min(id) FROM bare_line WHERE name = a_name)
    RETURNING owner INTO v_next;
  IF v_next IS NULL THEN
    DELETE FROM bare_held WHERE name = a_name;
  ELSE
    UPDATE bare_held SET owner = v_next WHERE name = a_name;
    PERFORM pg_notify(split_part(v_next, '|', 1), v_next);
  END IF;
END $$`;

export const barePostgresLine: Contender = {
  id: 'bare-pg-line',
  title: 'pg: a line in two functions, the grant pushed by NOTIFY',
  kind: 'bare',
  store: 'postgres',
  settings: '-',
  packages: ['pg'],
  cannot: {
    pairs: 'is made for waiting',
    'hot-name-one-process': 'one caller a process is all it knows',
  },
  async make({ url, process }) {
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    const listener = new pg.Client({ connectionString: url });
    await listener.connect();
    await pool.query(SETUP);
    const waiting = new Map<string, () => void>();
    listener.on('notification', ({ payload = '' }) => waiting.get(payload)?.());
    await listener.query(`LISTEN "${process}"`);
    let count = 0;
    return fromHold({
      async hold(name) {
        const owner = `${process}|${++count}`;
        const granted = new Promise<void>((resolve) => waiting.set(owner, resolve));
        const text = 'SELECT bare_take($1, $2) AS taken';
        const { rows } = await pool.query<{ taken: boolean }>({
          name: 'take',
          text,
          values: [name, owner],
        });
        if (rows[0]?.taken !== true) await granted;
        waiting.delete(owner);
        return async () => {
          await pool.query({ name: 'over', text: 'SELECT bare_hand_over($1)', values: [name] });
        };
      },
      async close() {
        await listener.end();
        await pool.end();
      },
    });
  },
};
