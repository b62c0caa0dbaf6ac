/** A whole race on one store, and what must be true after it. */
import { expect } from '@jest/globals';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KEPT, start } from './program.js';

const ACTS = ['bare', 'locked', 'killed', 'failed', 'hung'];

export async function raceOn(store: string, ...args: readonly string[]): Promise<string> {
  const picture = join(KEPT, `race-${store}.html`);
  rmSync(picture, { force: true });
  const race = start('race/main.js', '--store', store, '--picture', picture, ...args);

  const { code } = await race.ended;

  const said = race.said();
  // All at once, so that a failure shows the table and not a number.
  expect({ said, code, right: said.match(/^✔ /gm)?.length }).toEqual({ said, code: 0, right: 5 });
  expect(said).not.toMatch(/waited {4}-/);
  expect(said).toContain(`The picture: file://${picture}`);
  const html = readFileSync(picture, 'utf8');
  const verdicts = [...html.matchAll(/data-act="(\w+)" data-verdict="(\w+)"/g)];
  expect(verdicts.map(([, act, verdict]) => [act, verdict])).toEqual(
    ACTS.map((act) => [act, 'right']),
  );
  // Without network: no address of anything in the whole page.
  expect(html).not.toMatch(/(?:src|href)="(?!data:)|url\(|@import|https?:/);
  return said;
}
