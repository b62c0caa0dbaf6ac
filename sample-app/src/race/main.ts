/**
 * `npm run race`: plays all five acts on the terminal, writes the picture, and says with its exit
 * code whether every act went as it must: 0 yes, 1 no, 2 it could not be played.
 */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readArguments, UsageError } from './arguments.js';
import { drawPicture } from './picture.js';
import { ACTS, Race, type Played } from './race.js';
import { Terminal } from './terminal.js';

const PICTURE = 'race.html';

async function main(): Promise<number> {
  const config = readArguments(process.argv.slice(2));
  const terminal = new Terminal(process.stdout);
  terminal.say(`Starting ${config.instances} instances on ${config.store} …`);
  const race = await Race.open(config).catch((error: unknown) => {
    const reason = error instanceof Error && error.message !== '' ? error.message : String(error);
    throw new UsageError(`The race could not start on ${config.store}: ${reason}`);
  });
  const stop = (): void => {
    void race.close().finally(() => process.exit(130));
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const played: Played[] = [];
  try {
    for (const { id, title } of ACTS) {
      terminal.begin(title, race.names);
      played.push(
        await race.play(id, (_, event) => {
          terminal.show(event);
        }),
      );
      terminal.end();
    }
  } finally {
    await race.close();
  }
  terminal.table(played);
  await writeFile(PICTURE, drawPicture(played, race.names, config));
  terminal.say(`The picture: file://${resolve(PICTURE)}`);
  return played.every(({ verdict }) => verdict.right) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
