/**
 * The least that a lock on PostgreSQL costs: a row by two prepared statements, or a session's lock.
 */
import pg from 'pg';
import type { Contender } from '../harness/contract.js';
import { fromHold } from './from-hold.js';

const WAITS = 'does not wait for a name that is taken';

const TAKE = `
INSERT INTO bare_locks AS held (name, owner, ends) VALUES ($1, $2, clock_timestamp() + interval '30 s')
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, ends = excluded.ends
WHERE held.ends < clock_timestamp() RETURNING owner`;
const GIVE_BACK = 'DELETE FROM bare_locks WHERE name = $1 AND owner = $2';

export const barePostgres: Contender = {
  id: 'bare-postgres',
  title: 'pg: upsert and delete, prepared, pool of 10',
  kind: 'bare',
  store: 'postgres',
  settings: '-',
  packages: ['pg'],
  cannot: {
    'hot-name-one-process': WAITS,
    'hot-name-ten-processes': WAITS,
    'ten-instance-race': WAITS,
  },
  async make({ url, process }) {
    const pool = new pg.Pool({ connectionString: url, max: 10 });
    await pool.query(
      'CREATE TABLE IF NOT EXISTS bare_locks (name text PRIMARY KEY, owner text, ends timestamptz)',
    );
    let count = 0;
    return fromHold({
      async hold(name) {
        const owner = `${process}:${++count}`;
        const taken = await pool.query({ name: 'take', text: TAKE, values: [name, owner] });
        if (taken.rowCount !== 1) throw new Error('held');
        return async () => {
          const { rowCount } = await pool.query({
            name: 'give',
            text: GIVE_BACK,
            values: [name, owner],
          });
          if (rowCount !== 1) throw new Error('lost');
        };
      },
      close: () => pool.end(),
    });
  },
};

/** The server allows 300; a connection a lock is the price of session locks. */
const MOST_CONNECTIONS = 100;

export const bareAdvisory: Contender = {
  id: 'bare-pg-advisory',
  title: 'pg: pg_advisory_lock, a connection a lock, kept open (100 at most)',
  kind: 'bare',
  store: 'postgres',
  settings: '-',
  packages: ['pg'],
  async make({ url }) {
    const pool = new pg.Pool({ connectionString: url, max: MOST_CONNECTIONS });
    return fromHold({
      async hold(name) {
        const client = await pool.connect();
        const text = 'SELECT pg_advisory_lock(hashtextextended($1, 0))';
        await client.query({ name: 'lock', text, values: [name] });
        return async () => {
          const unlock = 'SELECT pg_advisory_unlock(hashtextextended($1, 0))';
          await client.query({ name: 'unlock', text: unlock, values: [name] });
          client.release();
        };
      },
      close: () => pool.end(),
    });
  },
};
