// @ts-check
/** Redis: alone, as a cluster of three, and as a master with a replica under a sentinel. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { BUS_OFFSET, answers, freePort } from './ports.mjs';
import { startServer } from './server.mjs';

/** @typedef {import('./types.ts').StartOptions} StartOptions */

/**
 * Writes its log of commands either way, so that a killed one comes back with its memory;
 * `restart({ empty: true })` is the one that lost it.
 * @param {StartOptions} [options]
 */
export async function startRedis({ durable = false, args = [] } = {}) {
  const port = await freePort();
  return startServer({
    product: 'redis',
    program: 'redis-server',
    port,
    url: `redis://127.0.0.1:${port}`,
    graceful: 'SIGTERM',
    args: (folder) => [
      ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', join(folder, 'data')],
      ...['--save', '', '--appendonly', 'yes', '--appendfsync', durable ? 'always' : 'no'],
      ...['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0'],
      ...args,
    ],
    isReady: () => answers(port, 'PING\r\n', '+PONG'),
  });
}

/**
 * @param {StartOptions} [options]
 * @returns {Promise<import('./types.ts').TestRedisCluster>}
 */
export async function startRedisCluster(options = {}) {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];
  const node = () => startRedis({ ...options, args: [...args, ...(options.args ?? [])] });
  const nodes = await all([node(), node(), node()]);
  await introduce(nodes.map(({ port }) => port));
  return {
    nodes,
    roots: nodes.map(({ host, port }) => ({ host, port })),
    async stop() {
      await Promise.all(nodes.map((each) => each.stop()));
    },
  };
}

/**
 * @param {StartOptions} [options]
 * @returns {Promise<import('./types.ts').TestRedisSentinel>}
 */
export async function startRedisSentinel(options = {}) {
  const name = 'locks';
  const master = await startRedis(options);
  const follow = ['--replicaof', '127.0.0.1', `${master.port}`];
  const replica = await startRedis({ ...options, args: [...follow, ...(options.args ?? [])] });
  const port = await freePort();
  const sentinel = await startServer({
    product: 'redis',
    program: 'redis-server',
    port,
    url: `redis://127.0.0.1:${port}`,
    graceful: 'SIGTERM',
    args(folder) {
      const file = join(folder, 'data', 'sentinel.conf');
      const lines = [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${join(folder, 'data')}`,
        `sentinel monitor ${name} 127.0.0.1 ${master.port} 1`,
        `sentinel down-after-milliseconds ${name} 500`,
        `sentinel failover-timeout ${name} 3000`,
      ];
      writeFileSync(file, `${lines.join('\n')}\n`);
      return [file, '--sentinel'];
    },
    isReady: () => answers(port, 'PING\r\n', '+PONG'),
  });
  await until('the sentinel to know the replica', () =>
    ask(port, 'sentinel', 'master', name).then((master) => {
      const facts = /** @type {string[]} */ (master);
      return facts[facts.indexOf('num-slaves') + 1] === '1';
    }),
  );
  await until('the replica to follow', async () =>
    String(await ask(replica.port, 'info', 'replication')).includes('master_link_status:up'),
  );
  return {
    sentinels: [{ host: sentinel.host, port }],
    name,
    master,
    replica,
    async stop() {
      await Promise.all([sentinel, replica, master].map((each) => each.stop()));
    },
  };
}

/**
 * Makes a cluster of empty nodes: every slot to somebody, then everybody to everybody.
 * @param {readonly number[]} ports
 */
async function introduce(ports) {
  const share = Math.ceil(16_384 / ports.length);
  await Promise.all(
    ports.map(async (port, i) => {
      const first = i * share;
      const count = Math.min(share, 16_384 - first);
      const slots = Array.from({ length: count }, (_, n) => `${first + n}`);
      await ask(port, 'cluster', 'addslots', ...slots);
      // Apart from the start, or they would spend seconds on settling who comes first.
      await ask(port, 'cluster', 'set-config-epoch', `${i + 1}`);
    }),
  );
  // Each pair by hand: gossip would take seconds to bring the last two together.
  for (const [i, port] of ports.entries()) {
    for (const other of ports.slice(i + 1)) {
      await ask(port, 'cluster', 'meet', '127.0.0.1', `${other}`, `${other + BUS_OFFSET}`);
    }
  }
  await until('cluster_state:ok on every node', async () => {
    const infos = await Promise.all(ports.map((port) => ask(port, 'cluster', 'info')));
    const known = `cluster_known_nodes:${ports.length}`;
    return infos.every((info) => {
      const text = String(info);
      return text.includes('cluster_state:ok') && text.includes(`${known}\r`);
    });
  });
}

/**
 * @param {number} port
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<unknown>}
 */
async function ask(port, command, ...args) {
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => null });
  client.on('error', () => {
    // The command itself rejects with it.
  });
  try {
    return await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
}

/**
 * @param {string} what
 * @param {() => Promise<boolean>} isTrue
 */
async function until(what, isTrue) {
  const end = performance.now() + 30_000;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`Waited 30 s in vain for ${what}.`);
    await sleep(50);
  }
}

/**
 * All or none: a failed start leaves no other behind.
 * @template {{ stop(): Promise<void> }} T
 * @param {readonly Promise<T>[]} starts
 */
async function all(starts) {
  const results = await Promise.allSettled(starts);
  const failed = results.find((result) => result.status === 'rejected');
  const up = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  if (failed === undefined) return up;
  await Promise.all(up.map((each) => each.stop()));
  throw failed.reason;
}
