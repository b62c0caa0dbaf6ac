/**
 * The least that a lock in SQLite costs: a row by two prepared statements, in the process itself.
 */
import Database from 'libsql';
import type { Contender } from '../harness/contract.js';
import { fromHold } from './from-hold.js';

const WAITS = 'does not wait for a name that is taken';

const TAKE = `
INSERT INTO bare_locks (name, owner, ends) VALUES (?, ?, unixepoch('subsec') + 30)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, ends = excluded.ends
WHERE ends < unixepoch('subsec')`;
const GIVE_BACK = 'DELETE FROM bare_locks WHERE name = ? AND owner = ?';

export const bareSqlite: Contender = {
  id: 'bare-sqlite',
  title: 'libsql: upsert and delete, prepared, WAL',
  kind: 'bare',
  store: 'sqlite',
  settings: '-',
  packages: ['libsql'],
  cannot: {
    'hot-name-one-process': WAITS,
    'hot-name-ten-processes': WAITS,
    'ten-instance-race': WAITS,
  },
  async make({ url, process }) {
    const database = new Database(url);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.exec(
      'CREATE TABLE IF NOT EXISTS bare_locks (name TEXT PRIMARY KEY, owner TEXT, ends REAL)',
    );
    const take = database.prepare(TAKE);
    const giveBack = database.prepare(GIVE_BACK);
    let count = 0;
    return fromHold({
      async hold(name) {
        const owner = `${process}:${++count}`;
        if (take.run(name, owner).changes !== 1) throw new Error('held');
        return async () => {
          if (giveBack.run(name, owner).changes !== 1) throw new Error('lost');
        };
      },
      async close() {
        database.close();
      },
    });
  },
};
