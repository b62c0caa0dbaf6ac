/**
 * What the takers' bodies work on: a number that is read, thought about, and written one higher.
 * Two at once lose an update. Nothing protects it but the lock, and in a table the fencing token.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { DataSource } from 'typeorm';
import type { HeldLock } from '../../../lib/core/held-lock.js';
import type { FencedLock } from '../../../lib/drivers/typeorm/index.js';

/** The work between reading and writing. */
export type Think = () => Promise<void> | void;

export async function countInFile(file: string, think: Think): Promise<void> {
  const before = Number(readFileSync(file, 'utf8'));
  await think();
  writeFileSync(file, String(before + 1));
}

/**
 * Every write leaves a row with its number and its token, so that a lost update is a number that
 * is there twice, and a late one a token that is out of order. The read is outside the transaction:
 * only the token can know that it is too old.
 *
 * @param linger the work between writing and the commit.
 */
export async function countInTable(
  dataSource: DataSource,
  lock: HeldLock,
  think: Think,
  linger: Think = () => undefined,
): Promise<void> {
  const { name, token } = lock;
  const { assertFresh, fencedTransaction } = await import('../../../lib/drivers/typeorm/index.js');
  const [row] = await dataSource.query<{ n: number | null }[]>(
    `SELECT MAX(n) AS n FROM witness WHERE name = '${name}'`,
  );
  const n = Number(row?.n ?? 0) + 1;
  await think();
  const write = `INSERT INTO witness (name, token, n) VALUES ('${name}', ${token}, ${n})`;
  if (lock.driver.storeName === 'Redis') {
    await dataSource.transaction(async (manager) => {
      await assertFresh(manager, name, token);
      await manager.query(write);
      await linger();
    });
    return;
  }
  await fencedTransaction(dataSource, asIfJustAsked(lock), async (manager) => {
    await manager.query(write);
    await linger();
  });
}

/**
 * A pause can come just after the holder has looked at its own clock: then it is the store alone
 * that keeps it from committing. Here it always does.
 */
function asIfJustAsked({ name, owner, token, lease, driver }: HeldLock): FencedLock {
  return { name, owner, token, lease, driver, assertHeld: () => undefined };
}

/** One write: what number it made, and under which token. */
export interface Row {
  readonly n: number;
  readonly token: number;
}

/** Makes the table, for the harness. */
export async function makeWitnessTable(dataSource: DataSource): Promise<void> {
  await dataSource.query(
    'CREATE TABLE IF NOT EXISTS witness (name VARCHAR(64), token BIGINT, n BIGINT)',
  );
}

/** All writes under a name, by number. */
export async function readWitness(dataSource: DataSource, name: string): Promise<readonly Row[]> {
  const rows = await dataSource.query<Row[]>(
    `SELECT n, token FROM witness WHERE name = '${name}' ORDER BY n, token`,
  );
  return rows.map(({ n, token }) => ({ n: Number(n), token: Number(token) }));
}
