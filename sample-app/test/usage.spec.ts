/** What cannot be played is refused in one clear sentence, in bounded time, with exit code 2. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { endAll, start } from './support/program.js';

let server: Server | null = null;

afterEach(() => {
  endAll();
  server?.close();
  server = null;
});

/** A port that somebody listens on, and takes every connection without a word. */
async function silentPort(): Promise<number> {
  const silent = createServer((socket) => socket.on('error', () => undefined).unref());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  server = silent;
  return (silent.address() as AddressInfo).port;
}

async function refusal(program: string, ...args: readonly string[]): Promise<string> {
  const startedAt = Date.now();
  const running = start(program, ...args);

  const { code } = await running.ended;

  const complained = running.complained();
  expect({ complained, code }).toEqual({ complained, code: 2 });
  expect(Date.now() - startedAt).toBeLessThan(25_000);
  // One line, and no stack.
  expect(complained).toMatch(/^[^\n]+\.\n$/);
  return complained;
}

describe('the race and the live page', () => {
  it.each([
    [['--store', 'oracle'], '--store must be one of sqlite, postgres, mysql, redis; got "oracle".'],
    [['--instances', '1'], '--instances must be a whole number from 2 to 50; got "1".'],
    [['--create-ms', 'long'], '--create-ms must be a whole number from 100 to 60000; got "long".'],
    [['--speed', '9'], "Unknown option '--speed'; the options are --store, --url,"],
    [['--url', 'redis://localhost'], '--url does not go with --store sqlite'],
    [['--store', 'redis', '--url', 'localhost:1'], '--url must be a URL that begins with redis://'],
  ])('refuse %j', async (args, sentence) => {
    expect(await refusal('race/main.js', ...args)).toContain(sentence);
  });

  it.each([
    ['redis', 'redis://'],
    ['postgres', 'postgres://someone:secret@'],
    ['mysql', 'mysql://someone:secret@'],
  ])('refuse a %s that is not there, without its password', async (store, prefix) => {
    const url = `${prefix}127.0.0.1:1/test`;

    const sentence = await refusal('race/main.js', '--store', store, '--url', url);

    expect(sentence).toContain(`The store ${store} at ${prefix.replace('secret', '***')}127.0.0.1`);
    expect(sentence).toContain('ECONNREFUSED');
    expect(sentence).not.toContain('secret');
  });

  it.each(['redis', 'postgres', 'mysql'])('refuse a %s that does not answer', async (store) => {
    const url = `${store}://127.0.0.1:${await silentPort()}/test`;

    const sentence = await refusal('main.js', '--store', store, '--url', url);

    expect(sentence).toContain(`The store ${store} at ${url} could not be reached`);
  });

  it.each(['race/main.js', 'main.js'])('refuse a port in use: %s', async (program) => {
    const port = await silentPort();

    const sentence = await refusal(program, '--port', String(port));

    expect(sentence).toBe(`Port ${port} is in use; choose another one with --port.\n`);
  });

  it('refuse a picture that has no place, before the race', async () => {
    const sentence = await refusal('race/main.js', '--picture', 'no/such/folder/race.html');

    expect(sentence).toContain('The picture cannot be written (ENOENT');
  });
});
