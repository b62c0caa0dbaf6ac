/**
 * `npm run race`: plays all five acts on the terminal, writes the picture, and says with its exit
 * code whether every act went as it must: 0 yes, 1 no, 2 it could not be played.
 */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readArguments, UsageError, type Arguments } from './arguments.js';
import { drawPicture } from './picture.js';
import { ACTS, Race, type Played } from './race.js';
import { checkStore, reasonOf } from './reach.js';
import { Terminal } from './terminal.js';

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

async function main(): Promise<number> {
  const config = readArguments(process.argv.slice(2), { port: 0 });
  await checkStore(config.store, config.url);
  await writePicture(config, '', 'a');
  const terminal = new Terminal(process.stdout);
  const race = new Race(config);
  let stopped = false;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    // Only once: who cannot wait for the good end presses Ctrl-C again.
    process.once(signal, () => {
      stopped = true;
      void race.close().finally(() => process.exit(code));
    });
  }
  try {
    const played = await play(race, terminal);
    terminal.table(played);
    const picture = await writePicture(config, drawPicture(played, race.names, config));
    terminal.say(`The picture: ${picture}`);
    return played.every(({ verdict }) => verdict.right) ? 0 : 1;
  } catch (error) {
    // What breaks because the race is being stopped is no news.
    if (stopped) return new Promise<never>(() => undefined);
    throw error;
  } finally {
    if (!stopped) await race.close();
  }
}

async function play(race: Race, terminal: Terminal): Promise<readonly Played[]> {
  const { instances, store } = race.config;
  terminal.say(`Starting ${instances} instances on ${store} …`);
  await race.open().catch((error: unknown) => {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`The race could not start on ${store} (${reasonOf(error)}).`);
  });
  const played: Played[] = [];
  for (const { id, title } of ACTS) {
    terminal.begin(title, race.names);
    played.push(
      await race.play(id, (_, event) => {
        terminal.show(event);
      }),
    );
    terminal.end();
  }
  return played;
}

/** Tried before the race too, so that nobody waits for a picture that has no place. */
async function writePicture({ picture }: Arguments, html: string, flag = 'w'): Promise<string> {
  try {
    await writeFile(picture, html, { flag });
    return pathToFileURL(resolve(picture)).href;
  } catch (error) {
    throw new UsageError(`The picture cannot be written (${reasonOf(error)}); see --picture.`);
  }
}

/** Leaves at once: a store that does not answer would keep this process alive. */
function leave(sentence: string, code: number): void {
  process.stderr.write(`${sentence}\n`, () => process.exit(code));
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) leave(error.message, 2);
  else leave(`The race was not played to its end: ${reasonOf(error)}.`, 1);
}
