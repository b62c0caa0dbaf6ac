/** For `list`: which names the store knows, by walking all its keys. Not a hot path. */
import type { Buckets } from './buckets.js';
import type { Connection } from './connection.js';
import { isCluster, rawCommands, type SingleClient } from './redis-client.js';

const KEYS_A_STEP = 1_000;

/**
 * Names that begin with `prefix`, in the order of their bytes. @throws the cause, fit to be shown
 */
export async function findNames(
  connection: Connection,
  buckets: Buckets,
  prefix: string,
): Promise<readonly string[]> {
  const { client } = connection;
  // What the server calls a key of ours: the client may put a prefix of its own before it.
  const begin = await connection.bounded(
    rawCommands(client).evalBuffer('return KEYS[1]', 1, buckets.of('').locks),
  );
  const [before, after] = aroundBucket(String(begin), buckets.many);
  const pattern = `${escaped(before)}${after === '' ? '' : `*${escaped(after)}`}${escaped(prefix)}*`;

  const names = new Set<string>();
  for (const node of isCluster(client) ? client.nodes('master') : [client]) {
    for await (const key of keysOf(connection, node, pattern)) {
      const rest = key.slice(before.length);
      const end = rest.indexOf(after);
      // A namespace that begins with ours matches, too; what stands in its place is no number.
      if (after !== '' && !/^\d+$/.test(rest.slice(0, end))) continue;
      names.add(rest.slice(end + after.length));
    }
  }
  return [...names].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
}

/** `{locks:17}:lock:` is the same in all buckets, but for the number. */
function aroundBucket(begin: string, many: boolean): readonly [string, string] {
  if (!many) return [begin, ''];
  const after = '}:lock:';
  const before = begin.slice(0, begin.lastIndexOf(':', begin.length - after.length - 1) + 1);
  return [before, after];
}

async function* keysOf(
  connection: Connection,
  node: SingleClient,
  pattern: string,
): AsyncGenerator<string> {
  let cursor = '0';
  do {
    const reply = await connection.bounded(
      rawCommands(node).scanBuffer(cursor, 'MATCH', pattern, 'COUNT', KEYS_A_STEP),
    );
    const [next, keys] = reply as [Buffer, Buffer[]];
    for (const key of keys) yield key.toString();
    cursor = next.toString();
  } while (cursor !== '0');
}

/** As a pattern of SCAN that matches just this. */
function escaped(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, '\\$&');
}
