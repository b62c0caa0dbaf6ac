/**
 * The race on the terminal: one line an instance while it runs, a table when it is over. Where the
 * output is no terminal, only what lasts is written.
 */
import type { WriteStream } from 'node:tty';
import type { FleetEvent } from './fleet.js';
import type { Played } from './race.js';

const MARKS: Readonly<Record<FleetEvent['step'], string>> = {
  asked: '·',
  waiting: '… waits',
  holding: '● holds the lock',
  creating: '▶ creates',
  created: '✔ created it',
  reused: '✔ found it',
  failed: '✖ failed',
  killed: '☠ kill -9',
  started: 'is up',
};

const LONGEST_ERROR = 70;

export class Terminal {
  readonly #out: WriteStream;
  #names: readonly string[] = [];
  readonly #lines = new Map<string, string>();

  constructor(out: WriteStream) {
    this.#out = out;
  }

  say(text: string): void {
    this.#out.write(`${text}\n`);
  }

  begin(title: string, names: readonly string[]): void {
    this.say(`\n${title}`);
    this.#names = names;
    this.#lines.clear();
    if (this.#live) this.#draw();
  }

  show(event: FleetEvent): void {
    const token = event.token === undefined ? '' : `, token ${event.token}`;
    const previous =
      event.previous === undefined || event.previous === 'none'
        ? ''
        : `, the one before: ${event.previous}`;
    const error = event.error === undefined ? '' : `: ${shortened(event.error)}`;
    this.#lines.set(event.instance, `${MARKS[event.step]}${error}${token}${previous}`);
    if (!this.#live) return;
    this.#out.moveCursor(0, -this.#names.length);
    this.#draw();
  }

  end(): void {
    if (!this.#live) this.#draw();
  }

  table(played: readonly Played[]): void {
    this.say('');
    for (const { title, verdict } of played) {
      const over = verdict.overIdealMs;
      this.say(`${verdict.right ? '✔' : '✖'} ${title}`);
      this.say(`    expected  ${verdict.expected}`);
      this.say(`    seen      ${verdict.seen}`);
      if (over !== null) this.say(`    waited    ${Math.round(over)} ms over the ideal`);
    }
    this.say('');
  }

  /** Whether the lines are drawn over and over: the cursor does not come back from the scrolled. */
  get #live(): boolean {
    return this.#out.isTTY && this.#out.rows > this.#names.length + 1;
  }

  #draw(): void {
    const width = Math.max(0, ...this.#names.map((name) => name.length));
    for (const name of this.#names) {
      const line = `  ${name.padEnd(width)}  ${this.#lines.get(name) ?? ''}`;
      if (!this.#live) {
        this.say(line);
        continue;
      }
      this.#out.clearLine(0);
      // A line that wraps would be two, and the cursor would miss the first by one.
      this.say(line.slice(0, Math.max(1, this.#out.columns - 1)));
    }
  }
}

function shortened(text: string): string {
  return text.length <= LONGEST_ERROR ? text : `${text.slice(0, LONGEST_ERROR - 1)}…`;
}
