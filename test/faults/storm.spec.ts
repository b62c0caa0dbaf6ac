/**
 * A storm: many processes count on something that nothing but the lock protects, while processes
 * are killed and stopped, a connection is cut and the store is restarted. Seen to fail when
 * - `deadlineOf` makes a deadline twice as long: the stopped one believes beside the next;
 * - `fencedTransaction` does not ask `fence`: an update of one stopped before its commit is late;
 * - `assertFresh` does not compare tokens: the same, with locks in Redis.
 */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { wrongs } from './support/history.js';
import { storm } from './support/storm.js';
import { FaultStore, STORES } from './support/stores.js';

const ROUNDS = 25;

describe.each(STORES)('many processes on %s', (kind) => {
  let store: FaultStore;

  beforeAll(async () => {
    store = await FaultStore.start(kind);
  }, 120_000);
  afterEach(() => store.clear());
  afterAll(() => store.stop());

  it('lose no update of a file that only the lock protects', async () => {
    const takers = await Promise.all(Array.from({ length: 5 }, () => store.taker()));
    const [name, file] = [store.name(), store.fileWitness()];
    const options = { ttlMs: 1_000, waitMs: 60_000 };

    const work = { order: 'work', name, rounds: ROUNDS, witness: 'file', file, options } as const;
    await Promise.all(takers.map((taker) => taker.tell(work)));

    expect(Number(readFileSync(file, 'utf8'))).toBe(5 * ROUNDS);
    expect(wrongs(store.entries(), name, null)).toEqual([]);
  }, 120_000);

  it('never believe two at once, nor write late, while they are killed, stopped and cut off', async () => {
    const aftermath = await storm(store, {
      size: 10,
      rounds: 100,
      ttlMs: 600,
      kills: 20,
      everyMs: 300,
    });

    expect(aftermath.wrongs).toEqual([]);
    expect(aftermath.written).toBeGreaterThanOrEqual(1_000);
    expect(aftermath.kills).toBe(20);
    // What was to happen did: stopped bodies beside others, and a renewed one.
    const commits = kind === 'postgres' || kind === 'mariadb';
    expect(aftermath.disturbed).toEqual({
      beforeWrite: true,
      beforeCommit: commits ? true : null,
      renewed: true,
    });
    expect(aftermath.besides.length).toBeGreaterThan(0);
  }, 180_000);
});
