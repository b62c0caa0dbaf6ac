/**
 * Holds a lock and works in a fenced transaction, for a parent that pauses it meanwhile. Says
 * `working`, then `committed` or the code of what it failed with. Arguments: the options of its
 * data source as JSON, and what to write before the pause, if anything.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { Locks } from '../../../lib/core/locks.js';
import { fencedTransaction, typeOrmLocks } from '../../../lib/drivers/typeorm/index.js';

const [json = '{}', first = ''] = process.argv.slice(2);
const options = JSON.parse(json) as DataSourceOptions & { driver?: unknown };
if (options.type === 'better-sqlite3') options.driver = (await import('libsql')).default;
const dataSource = new DataSource(options);
await dataSource.initialize();
const locks = new Locks({ driver: typeOrmLocks({ dataSource }) });
await locks.open();

const lock = await locks.acquire('account', { ttlMs: 1_500 });
try {
  await fencedTransaction(dataSource, lock, async (manager) => {
    if (first !== '') await manager.query(`INSERT INTO work (name) VALUES ('${first}')`);
    console.log('working');
    await sleep(1_000);
    await manager.query(`INSERT INTO work (name) VALUES ('paused')`);
  });
  console.log('committed');
} catch (error) {
  console.log((error as { code?: string }).code ?? String(error));
}
await locks.close();
await dataSource.destroy();
