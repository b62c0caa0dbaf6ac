/**
 * The guard for tokens of any lock: an older one than the newest seen rolls its transaction back.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { LockError, LockOptionsError } from '../../lib/core/lock-errors.js';
import {
  assertFresh,
  createFenceTable,
  FenceMigration,
  StaleTokenError,
} from '../../lib/drivers/typeorm/index.js';
import { DATABASES } from './support/databases.js';

describe.each(DATABASES)('assertFresh on %s', (_title, newDatabase) => {
  const database = newDatabase();
  let dataSource: DataSource;

  beforeAll(async () => {
    await database.start();
    dataSource = await database.dataSource();
    await dataSource.query('CREATE TABLE work (name varchar(100) PRIMARY KEY)');
    await createFenceTable(dataSource);
    await createFenceTable(dataSource);
  }, 120_000);
  afterAll(() => database.stop(), 60_000);

  /** A transaction under a token that writes a row of its own. */
  const writes = (resource: string, token: number): Promise<void> =>
    dataSource.transaction(async (manager) => {
      await manager.query(`INSERT INTO work (name) VALUES ('${resource}:${token}')`);
      await assertFresh(manager, resource, token);
    });
  const rows = async (resource: string): Promise<number> =>
    (await dataSource.query<unknown[]>(`SELECT 1 FROM work WHERE name LIKE '${resource}:%'`))
      .length;

  it('lets newer tokens through, and the same one again', async () => {
    await writes('a', 1_795_255_797_000_001);
    await writes('a', 1_795_255_797_000_002);

    await dataSource.transaction((manager) => assertFresh(manager, 'a', 1_795_255_797_000_002));

    expect(await rows('a')).toBe(2);
  });

  it('rolls back whoever comes with an older token, and says which is the newest', async () => {
    await writes('b', 17);

    const late = writes('b', 16);

    await expect(late).rejects.toMatchObject({ resource: 'b', token: 16, newestToken: 17 });
    await expect(late).rejects.toBeInstanceOf(StaleTokenError);
    await expect(late).rejects.toBeInstanceOf(LockError);
    await expect(late).rejects.toThrow(
      'Token 16 is stale for "b": token 17 has been seen there. The lock was lost and taken over ' +
        'meanwhile; nothing of this transaction may be kept.',
    );
    expect(await rows('b')).toBe(1);
  });

  it('forgets a token whose transaction was rolled back', async () => {
    await expect(
      dataSource.transaction(async (manager) => {
        await assertFresh(manager, 'c', 9);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');

    await writes('c', 8);

    expect(await rows('c')).toBe(1);
  });

  it('keeps resources apart, byte by byte', async () => {
    await writes('d', 5);

    await dataSource.transaction((manager) => assertFresh(manager, 'D', 4));
    await dataSource.transaction((manager) => assertFresh(manager, 'd\0', 3));
    await dataSource.transaction((manager) => assertFresh(manager, 'd ', 2));
    await expect(
      dataSource.transaction((manager) => assertFresh(manager, 'D', 3)),
    ).rejects.toBeInstanceOf(StaleTokenError);
  });

  it('refuses what cannot be meant', async () => {
    const manager = dataSource.manager;
    const inside = (resource: string, token: number): Promise<void> =>
      dataSource.transaction((open) => assertFresh(open, resource, token));

    await expect(assertFresh(manager, 'e', 1)).rejects.toThrow(
      /^manager must be that of an open transaction/,
    );
    await expect(inside('', 1)).rejects.toBeInstanceOf(LockOptionsError);
    await expect(inside('x'.repeat(256), 1)).rejects.toBeInstanceOf(LockOptionsError);
    await expect(inside('e', 1.5)).rejects.toBeInstanceOf(LockOptionsError);
    await expect(inside('e', Number.NaN)).rejects.toBeInstanceOf(LockOptionsError);
  });

  it('says which statement to run when its table is missing', async () => {
    const missing = dataSource.transaction((manager) =>
      assertFresh(manager, 'f', 1, { table: 'other' }),
    );

    await expect(missing).rejects.toBeInstanceOf(LockOptionsError);
    await expect(missing).rejects.toThrow(/CREATE TABLE .*other_fence/);
  });

  it('has a migration of its own', async () => {
    class Tokens extends FenceMigration {
      protected override readonly table = 'migrated';
    }
    const runner = dataSource.createQueryRunner();
    const uses = (): Promise<void> =>
      dataSource.transaction((manager) => assertFresh(manager, 'g', 1, { table: 'migrated' }));

    await new Tokens().up(runner);
    await uses();
    await new Tokens().down(runner);

    await expect(uses()).rejects.toBeInstanceOf(LockOptionsError);
    await runner.release();
  });
});
