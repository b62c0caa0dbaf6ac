/** What no lease can promise, and the fenced transaction keeps: no pause makes a late commit. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Locks } from '../../lib/core/locks.js';
import { fencedTransaction, typeOrmLocks } from '../../lib/drivers/typeorm/index.js';
import { NESTS, compile, run } from '../processes/compiled.js';
import { eventually } from '../support/eventually.js';
import { DATABASES } from './support/databases.js';

let folder = '';
beforeAll(() => {
  folder = compile(NESTS[0][1], 'fenced-pause');
});

describe.each(DATABASES)('a holder on %s that is paused past its lease', (title, newDatabase) => {
  it('is rolled back when it wakes, and the next one has worked and committed', async () => {
    const database = newDatabase();
    await database.start();
    const dataSource = await database.dataSource();
    await dataSource.query('CREATE TABLE work (name varchar(20) PRIMARY KEY)');
    const locks = new Locks({ driver: typeOrmLocks({ dataSource }) });
    await locks.open();
    const paused = run(folder, 'fenced-holder.js', JSON.stringify(database.options), 'before');
    await eventually(() => paused.said().includes('working'), { withinMs: 30_000 });

    paused.child.kill('SIGSTOP');
    const taking = locks.acquire('account', { ttlMs: 10_000, waitMs: 20_000 });
    if (title === 'SQLite') {
      // Its transaction has the whole file: the next one waits for its end, which is a rollback.
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      paused.child.kill('SIGCONT');
    }
    const lock = await taking;
    await fencedTransaction(dataSource, lock, async (manager) => {
      await manager.query(`INSERT INTO work (name) VALUES ('next')`);
    });
    paused.child.kill('SIGCONT');
    await paused.ended;

    expect(lock.previous?.how).toBe('expired');
    expect(paused.said().trim().split('\n')).toEqual(['working', 'LOCK_LOST']);
    expect(await dataSource.query('SELECT name FROM work')).toEqual([{ name: 'next' }]);
    expect(lock.held).toBe(true);
    await locks.close();
    await database.stop();
  }, 90_000);

  it('commits when it was paused for less', async () => {
    const database = newDatabase();
    await database.start();
    const dataSource = await database.dataSource();
    await dataSource.query('CREATE TABLE work (name varchar(20) PRIMARY KEY)');
    const paused = run(folder, 'fenced-holder.js', JSON.stringify(database.options));
    await eventually(() => paused.said().includes('working'), { withinMs: 30_000 });

    paused.child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 100));
    paused.child.kill('SIGCONT');
    await paused.ended;

    expect(paused.said().trim().split('\n')).toEqual(['working', 'committed']);
    expect(await dataSource.query('SELECT name FROM work')).toEqual([{ name: 'paused' }]);
    await database.stop();
  }, 90_000);
});
