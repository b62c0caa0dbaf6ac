/**
 * The least that a line with a pushed grant costs on MariaDB: one prepared block to take or to
 * queue, one to hand over, and KILL QUERY to wake the next one out of its sleep. Nobody in this
 * line ever dies, and a grant needs no confirming.
 */
import { createConnection, createPool, type RowDataPacket } from 'mysql2/promise';
import type { Contender } from '../harness/contract.js';
import { fromHold } from './from-hold.js';

const SETUP = [
  'CREATE TABLE IF NOT EXISTS bare_held (name varbinary(255) PRIMARY KEY, owner varbinary(100)) ENGINE=InnoDB',
  `CREATE TABLE IF NOT EXISTS bare_line (id bigint AUTO_INCREMENT PRIMARY KEY, name varbinary(255),
   owner varbinary(100), bell varbinary(64), KEY line (name, id)) ENGINE=InnoDB`,
];
const TAKE = `
BEGIN NOT ATOMIC
  SET @name = ?, @owner = ?, @bell = ?;
  INSERT IGNORE INTO bare_held VALUES (@name, NULL);
  START TRANSACTION;
  SELECT owner INTO @holder FROM bare_held WHERE name = @name FOR UPDATE;
  IF @holder IS NULL THEN
    UPDATE bare_held SET owner = @owner WHERE name = @name;
  ELSE
    INSERT INTO bare_line (name, owner, bell) VALUES (@name, @owner, @bell);
  END IF;
  COMMIT;
  SELECT @holder IS NULL AS taken;
END`;
const HAND_OVER = `
BEGIN NOT ATOMIC
  SET @name = ?, @id = NULL, @owner = NULL, @bell = '-';
  START TRANSACTION;
  SELECT owner INTO @holder FROM bare_held WHERE name = @name FOR UPDATE;
  SELECT id, owner, bell INTO @id, @owner, @bell FROM bare_line WHERE name = @name ORDER BY id LIMIT 1;
  DELETE FROM bare_line WHERE id = @id;
  UPDATE bare_held SET owner = @owner WHERE name = @name;
  IF IS_USED_LOCK(@bell) IS NOT NULL THEN KILL QUERY IS_USED_LOCK(@bell); END IF;
  COMMIT;
END`;
const HAS = 'EXISTS (SELECT 1 FROM bare_held WHERE name = ? AND owner = ?)';
const SLEEP = `SELECT ${HAS} AS has, IF(${HAS}, 0, SLEEP(2)) AS slept`;

export const bareMariaDbLine: Contender = {
  id: 'bare-mariadb-line',
  title: 'mysql2: a line in two prepared blocks, the grant pushed by KILL QUERY',
  kind: 'bare',
  store: 'mariadb',
  settings: '-',
  packages: ['mysql2'],
  cannot: {
    pairs: 'is made for waiting',
    'hot-name-one-process': 'one caller a process is all it knows',
  },
  async make({ url, process }) {
    const pool = createPool({ uri: url, connectionLimit: 2 });
    const sleeper = await createConnection(url);
    for (const statement of SETUP) await pool.query(statement);
    const bell = `bare-${process}`;
    await sleeper.query('SELECT GET_LOCK(?, 0)', [bell]);
    let count = 0;
    /** Until the row says that it is ours; a ring is an error of the sleep, or comes before it. */
    const granted = async (name: string, owner: string): Promise<void> => {
      for (;;) {
        const rung = await sleeper.execute<RowDataPacket[]>(SLEEP, [name, owner, name, owner]).then(
          ([rows]) => Number(rows[0]?.['has']) === 1,
          () => true,
        );
        if (rung) return;
      }
    };
    return fromHold({
      async hold(name) {
        const owner = `${process}|${++count}`;
        const [results] = await pool.execute<RowDataPacket[][]>(TAKE, [name, owner, bell]);
        if (Number(results[0]?.[0]?.['taken']) !== 1) await granted(name, owner);
        return async () => {
          await pool.execute(HAND_OVER, [name]);
        };
      },
      async close() {
        sleeper.destroy();
        await pool.end();
      },
    });
  },
};
