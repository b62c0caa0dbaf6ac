/**
 * The least that a lock on MariaDB costs: a row by two prepared statements, or a session's lock.
 */
import { createPool, type PoolConnection, type ResultSetHeader } from 'mysql2/promise';
import type { Contender } from '../harness/contract.js';
import { fromHold } from './from-hold.js';

const WAITS = 'does not wait for a name that is taken';

const TABLE = `
CREATE TABLE IF NOT EXISTS bare_locks
(name varbinary(255) PRIMARY KEY, owner varchar(100), ends datetime(3)) ENGINE=InnoDB`;
/** 1 row affected: it was free; 2: it had run out; 0: somebody has it. */
const TAKE = `
INSERT INTO bare_locks (name, owner, ends) VALUES (?, ?, NOW(3) + INTERVAL 30 SECOND)
ON DUPLICATE KEY UPDATE owner = IF(ends < NOW(3), VALUES(owner), owner),
ends = IF(ends < NOW(3), VALUES(ends), ends)`;
const GIVE_BACK = 'DELETE FROM bare_locks WHERE name = ? AND owner = ?';

export const bareMariaDb: Contender = {
  id: 'bare-mariadb',
  title: 'mysql2: upsert and delete, prepared, pool of 10',
  kind: 'bare',
  store: 'mariadb',
  settings: '-',
  packages: ['mysql2'],
  cannot: {
    'hot-name-one-process': WAITS,
    'hot-name-ten-processes': WAITS,
    'ten-instance-race': WAITS,
  },
  async make({ url, process }) {
    const pool = createPool({ uri: url, connectionLimit: 10 });
    await pool.query(TABLE);
    let count = 0;
    return fromHold({
      async hold(name) {
        const owner = `${process}:${++count}`;
        const [taken] = await pool.execute<ResultSetHeader>(TAKE, [name, owner]);
        if (taken.affectedRows === 0) throw new Error('held');
        return async () => {
          const [given] = await pool.execute<ResultSetHeader>(GIVE_BACK, [name, owner]);
          if (given.affectedRows !== 1) throw new Error('lost');
        };
      },
      close: () => pool.end(),
    });
  },
};

/** The server allows 500; a connection a lock is the price of session locks. */
const MOST_CONNECTIONS = 100;

export const bareGetLock: Contender = {
  id: 'bare-get-lock',
  title: 'mysql2: GET_LOCK, a connection a lock, kept open (100 at most)',
  kind: 'bare',
  store: 'mariadb',
  settings: '-',
  packages: ['mysql2'],
  async make({ url }) {
    const pool = createPool({ uri: url, connectionLimit: MOST_CONNECTIONS });
    const ask = async (connection: PoolConnection, sql: string, name: string): Promise<void> => {
      const [rows] = await connection.execute(sql, [name]);
      if ((rows as { ok: number }[])[0]?.ok !== 1) throw new Error(sql);
    };
    return fromHold({
      async hold(name) {
        const connection = await pool.getConnection();
        await ask(connection, 'SELECT GET_LOCK(?, 60) AS ok', name);
        return async () => {
          await ask(connection, 'SELECT RELEASE_LOCK(?) AS ok', name);
          connection.release();
        };
      },
      close: () => pool.end(),
    });
  },
};
