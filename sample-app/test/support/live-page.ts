/** The live page in a real browser, and a watch on all that it must not do. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { eventually } from '../../../test/support/eventually.js';
import { start, type Program } from './program.js';

export interface LivePage {
  readonly page: Page;
  readonly url: string;
  /** Errors of the console and of scripts, and requests to elsewhere. Empty when all is well. */
  readonly offences: readonly string[];
}

/** Starts `npm start` on a free port, and answers when it can be opened. */
export async function startLive(
  ...args: readonly string[]
): Promise<{ live: Program; url: string }> {
  const live = start('main.js', '--port', '0', ...args);
  let url = '';
  await eventually(
    () => {
      url = /http:\/\/localhost:\d+/.exec(live.said())?.[0] ?? '';
      return url !== '';
    },
    { withinMs: 60_000 },
  );
  return { live, url };
}

export async function openLive(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<LivePage> {
  const page = await browser.newPage(options);
  const offences: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') offences.push(message.text());
  });
  page.on('pageerror', (error) => offences.push(error.message));
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(url) && !asked.startsWith('data:')) offences.push(asked);
  });
  await page.goto(url);
  return { page, url, offences };
}

export interface Lane {
  readonly waiting: number;
  readonly holding: number;
  readonly working: number;
  readonly granted: number;
  readonly done: number;
  readonly error: number;
  readonly killed: number;
  readonly token: string;
}

const COUNTED = ['waiting', 'holding', 'working', 'granted', 'done', 'error', 'killed'] as const;

/** What the lanes of the act on stage show: bars and marks that have a size and can be seen. */
export function lanesOf(page: Page, act: string): Promise<readonly Lane[]> {
  return page.$$eval(
    `#act [data-act="${act}"] .lane`,
    (lanes, counted) =>
      lanes.map((lane) => {
        const seen = (kind: string): number =>
          [...lane.querySelectorAll(`.track .${kind}`)].filter((element) => {
            const { width, height } = element.getBoundingClientRect();
            return width >= 1 && height >= 1;
          }).length;
        const counts = Object.fromEntries(counted.map((kind) => [kind, seen(kind)]));
        return { ...counts, token: lane.querySelector('.token')?.textContent ?? '' } as never;
      }),
    COUNTED,
  );
}

/** Waits for the end of the act that was begun, and answers its verdict and what was seen. */
export async function verdictOf(page: Page, act: string): Promise<string> {
  const section = page.locator(`#act [data-act="${act}"]:not([data-verdict="running"])`);
  await section.waitFor({ timeout: 60_000 });
  return `${await section.getAttribute('data-verdict')}: ${await section.locator('.seen').innerText()}`;
}

export const sum = (lanes: readonly Lane[], kind: (typeof COUNTED)[number]): number =>
  lanes.reduce((total, lane) => total + lane[kind], 0);
