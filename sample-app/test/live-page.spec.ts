/**
 * The live page in a real headless Chromium, on SQLite. @needs-servers: the browser is set up like
 * one.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { startChromium } from '../../test/support/chromium.mjs';
import { eventually } from '../../test/support/eventually.js';
import {
  lanesOf,
  openLive,
  startLive,
  sum,
  verdictOf,
  type LivePage,
} from './support/live-page.js';
import { childrenOf, endAll, isAlive, KEPT, type Program } from './support/program.js';

const INSTANCES = 4;

let browser: Browser;
let live: Program;
let url: string;
let shown: LivePage;

beforeAll(async () => {
  browser = await startChromium();
  const small = ['--instances', String(INSTANCES), '--create-ms', '800'];
  ({ live, url } = await startLive(...small));
  shown = await openLive(browser, url, { viewport: { width: 1000, height: 900 } });
}, 300_000);

afterEach(() => {
  expect(shown.offences).toEqual([]);
});

afterAll(async () => {
  await browser.close();
  endAll();
});

async function play(act: string): Promise<string> {
  await shown.page.click(`button[value="${act}"]`);
  return verdictOf(shown.page, act);
}

describe('the live page', () => {
  it('shows the race that is lost without a lock', async () => {
    const verdict = await play('bare');

    expect(verdict).toMatch(/^right: ✔ [2-4] creations/);
    const lanes = await lanesOf(shown.page, 'bare');
    expect(lanes).toHaveLength(INSTANCES);
    expect(sum(lanes, 'working')).toBeGreaterThan(1);
    expect(sum(lanes, 'done')).toBe(INSTANCES);
    expect(sum(lanes, 'holding') + sum(lanes, 'granted')).toBe(0);
    expect(lanes.map(({ token }) => token)).toEqual(Array(INSTANCES).fill('–'));
  }, 90_000);

  it('shows the race that is won with one, and the lock while it is held', async () => {
    await shown.page.click('button[value="locked"]');
    // In one look, since the table is drawn anew all the time.
    const row = await shown.page.waitForFunction<string[]>(`
      [...document.querySelectorAll('#locks tbody tr')]
        .map((row) => [...row.cells].map((cell) => cell.textContent))
        .find(([name, owner]) => name.startsWith('resource:locked-') && owner.includes(':'))`);
    const [, owner, token, since, left, line] = await row.jsonValue();
    const verdict = await verdictOf(shown.page, 'locked');

    expect(verdict).toBe('right: ✔ 1 creation, 4 good answers');
    expect(owner).toMatch(/:\d+:/);
    expect(Number(token)).toBeGreaterThan(1_000);
    expect(since).toMatch(/^\d+\.\d s$/);
    expect(left).toMatch(/^[0-2]\.\d s$/);
    expect(Number(line)).toBeLessThan(INSTANCES);
    const lanes = await lanesOf(shown.page, 'locked');
    expect(lanes).toHaveLength(INSTANCES);
    expect(sum(lanes, 'working')).toBe(1);
    for (const lane of lanes) expect(lane).toMatchObject({ waiting: 1, granted: 1, done: 1 });
    expect(new Set(lanes.map((lane) => lane.token)).size).toBe(INSTANCES);
    // Bare and locked one above the other.
    expect(await shown.page.locator('#earlier [data-act="bare"] .lane').count()).toBe(INSTANCES);
    await shown.page.screenshot({ path: join(KEPT, 'live-light.png'), fullPage: true });
  }, 90_000);

  it('shows who was killed, and who went on', async () => {
    const verdict = await play('killed');

    expect(verdict).toMatch(/^right: ✔ 1 creation, "expired" seen by 1/);
    const lanes = await lanesOf(shown.page, 'killed');
    expect(sum(lanes, 'killed')).toBe(1);
    expect(sum(lanes, 'working')).toBe(2);
    expect(sum(lanes, 'done')).toBe(INSTANCES - 1);
  }, 90_000);

  it('shows who failed, and what the others made of it', async () => {
    const verdict = await play('failed');

    expect(verdict).toMatch(/^right: ✔ 1 error, then 1 creation by another way and 3 good/);
    const lanes = await lanesOf(shown.page, 'failed');
    expect(sum(lanes, 'working')).toBe(3);
    expect(sum(lanes, 'error')).toBe(1 + INSTANCES);
    expect(sum(lanes, 'done')).toBe(INSTANCES - 1);
  }, 90_000);

  it('shows who hangs, and who gave up', async () => {
    const verdict = await play('hung');

    expect(verdict).toMatch(/^right: ✔ 3 answers 423 with Retry-After, 0 before waitMs/);
    const lanes = await lanesOf(shown.page, 'hung');
    expect(sum(lanes, 'working')).toBe(1);
    expect(sum(lanes, 'killed')).toBe(1);
    expect(sum(lanes, 'error')).toBe(INSTANCES - 1);
  }, 90_000);

  it('is played by keyboard alone, at the width of a phone, in the dark', async () => {
    const phone = await openLive(browser, url, {
      viewport: { width: 360, height: 740 },
      colorScheme: 'dark',
    });
    const { page } = phone;
    // What was played before is there for who comes later.
    await page.locator('#act [data-act="hung"]').waitFor();
    const focused = (): Promise<string> =>
      page.evaluate('`${document.activeElement.name} ${document.activeElement.value}`');
    for (let tabs = 0; tabs < 10 && (await focused()) !== 'act locked'; tabs++) {
      await page.keyboard.press('Tab');
    }
    expect(await focused()).toBe('act locked');
    expect(await page.evaluate('document.activeElement.matches(":focus-visible")')).toBe(true);

    await page.keyboard.press('Enter');

    expect(await verdictOf(page, 'locked')).toBe('right: ✔ 1 creation, 4 good answers');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe('rgb(13, 17, 23)');
    await page.screenshot({ path: join(KEPT, 'live-phone-dark.png'), fullPage: true });
    expect(phone.offences).toEqual([]);
    await page.close();
  }, 90_000);

  it('refuses a number of instances that is none, and says so', async () => {
    const { page } = shown;
    // Past the browser's own check, which would not let it go.
    await page.evaluate('document.querySelector("form").noValidate = true');
    await page.evaluate('document.querySelector("input").type = "text"');
    await page.fill('input[name="instances"]', 'many');
    const answered = page.waitForResponse(/play/);

    await page.click('button[value="bare"]');

    expect((await answered).status()).toBe(400);
    await eventually(async () => {
      expect(await page.innerText('#state')).toContain('a whole number from 2 to 50; got "many"');
    });
    // The browser itself notes an answer of 400 on its console.
    (shown.offences as string[]).splice(0);
  }, 60_000);

  it('ends on Ctrl-C with its instances, even while a page is open', async () => {
    const instances = childrenOf(live.pid);
    expect(instances).toHaveLength(INSTANCES);

    live.child.kill('SIGINT');
    await live.ended;

    expect(instances.filter(isAlive)).toEqual([]);
    // The page looks in vain for its stream; that is no offence.
    (shown.offences as string[]).splice(0);
  }, 60_000);
});
