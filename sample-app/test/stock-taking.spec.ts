/** The second use of a lock: all instances are asked, by cron or by hand, and one does the work. */
import { afterEach, expect, it } from '@jest/globals';
import Database from 'libsql';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.js';
import { endAll, start } from './support/program.js';

const folder = mkdtempSync(join(tmpdir(), 'stock-taking-'));

afterEach(() => {
  endAll();
  rmSync(folder, { recursive: true, force: true });
});

/** One instance on the database of this test; answers its port. */
async function startInstance(name: string, file: string): Promise<number> {
  const store = { kind: 'sqlite', url: '', file };
  const config = { name, store, createMs: 100, ttlMs: 2_000, waitMs: 2_000 };
  const { child } = start('instance.js', { INSTANCE_CONFIG: JSON.stringify(config) });
  return new Promise((resolve) => {
    child.once('message', ({ port }: { port: number }) => {
      resolve(port);
    });
  });
}

async function countOn(port: number): Promise<number | null> {
  const response = await fetch(`http://127.0.0.1:${port}/stock-takings`, { method: 'POST' });
  const answer = (await response.json()) as { counted: number | null };
  expect(answer).toHaveProperty('counted');
  return answer.counted;
}

it('is done by one of two instances, and skipped quietly by the other', async () => {
  const file = join(folder, 'sample.sqlite');
  const database = new Database(file);
  database.exec(
    'CREATE TABLE lock_race_resource (id varchar, createdBy varchar, supplier varchar)',
  );
  database.exec("INSERT INTO lock_race_resource VALUES ('a', 'x', 'main'), ('b', 'x', 'main')");
  database.close();
  const ports = await Promise.all(['instance-1', 'instance-2'].map((n) => startInstance(n, file)));

  // Once in a minute the cron is at it just now, and both are skipped: they are asked again.
  let counts: readonly (number | null)[] = [];
  await eventually(
    async () => {
      counts = await Promise.all(ports.map(countOn));
      return counts.some((count) => count !== null);
    },
    { withinMs: 30_000, everyMs: 500 },
  );

  expect(counts.filter((count) => count !== null)).toEqual([2]);
  // Whoever comes a moment later is skipped too: its minimum hold is not over.
  expect(await Promise.all(ports.map(countOn))).toEqual([null, null]);
}, 90_000);
