/**
 * What `redisLocks` may be told, checked before anything is sent. No address and no password ever
 * goes into a message.
 */
import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis';
import { LockOptionsError } from '../../core/lock-errors.js';
import { isCluster, type ClusterClient, type SingleClient } from './redis-client.js';

/** Where Redis is: exactly one of `client`, `url`, `options`, `cluster` and `sentinel`. */
export interface RedisLocksOptions {
  /**
   * The application's own client of ioredis 5 or 6, a `Redis` or a `Cluster`. It is used as it is
   * and never closed; for subscribing, a connection like it is opened.
   */
  readonly client?: SingleClient | ClusterClient;
  /** `redis://user:password@host:6379/0`, or `rediss://` for TLS. */
  readonly url?: string;
  /** Options of ioredis, for a connection of our own. */
  readonly options?: RedisOptions;
  /** A Redis Cluster: some of its nodes, and options of ioredis. */
  readonly cluster?: { readonly nodes: readonly ClusterNode[]; readonly options?: ClusterOptions };
  /** The master that Sentinel names, and whatever else ioredis takes. */
  readonly sentinel?: RedisOptions & {
    readonly sentinels: readonly { readonly host: string; readonly port: number }[];
    readonly name: string;
  };
  /** What the keys begin with, by default `locks`. Names in different namespaces are different. */
  readonly namespace?: string;
  /** How long a free name keeps its last ending, by default one day; 1 s at least. */
  readonly keepEndingsMs?: number;
  /** How long one call may take, by default 5 s. */
  readonly timeoutMs?: number;
}

export interface CheckedOptions {
  readonly where: Where;
  readonly namespace: string;
  readonly keepEndingsMs: number;
  readonly timeoutMs: number;
}

export type Where =
  | { readonly kind: 'client'; readonly client: SingleClient | ClusterClient }
  | { readonly kind: 'single'; readonly url: string | null; readonly options: RedisOptions }
  | {
      readonly kind: 'cluster';
      readonly nodes: readonly ClusterNode[];
      readonly options: ClusterOptions;
    };

const OPTIONS: ReadonlySet<string> = new Set([
  ...['client', 'url', 'options', 'cluster', 'sentinel'],
  ...['namespace', 'keepEndingsMs', 'timeoutMs'],
]);
const ONE_DAY_MS = 86_400_000;
const LONGEST_MS = 2 ** 31 - 1;

/** @throws LockOptionsError */
export function checkOptions(options: RedisLocksOptions): CheckedOptions {
  for (const option of Object.keys(options)) {
    if (!OPTIONS.has(option)) {
      const known = [...OPTIONS].join(', ');
      throw new LockOptionsError(option, 'it', `left out: the options of redisLocks are ${known}`);
    }
  }
  const { namespace = 'locks', keepEndingsMs = ONE_DAY_MS, timeoutMs = 5_000 } = options;
  if (typeof namespace !== 'string' || !/^[^{}\s]{1,100}$/u.test(namespace)) {
    const allowed = '1 to 100 characters without braces and white space';
    throw new LockOptionsError('namespace', namespace, allowed);
  }
  whole('keepEndingsMs', keepEndingsMs, 1_000, LONGEST_MS);
  whole('timeoutMs', timeoutMs, 1, LONGEST_MS);
  return { where: checkWhere(options), namespace, keepEndingsMs, timeoutMs };
}

function checkWhere(options: RedisLocksOptions): Where {
  const { client, url, options: single, cluster, sentinel } = options;
  const given = Object.entries({ client, url, options: single, cluster, sentinel })
    .filter(([, value]) => value !== undefined)
    .map(([option]) => option);
  if (given.length !== 1) {
    const allowed = 'given, and no other of them: an address is needed, and one only';
    const got = given.length === 0 ? 'none of them' : given.join(' and ');
    throw new LockOptionsError('one of client, url, options, cluster and sentinel', got, allowed);
  }
  if (client !== undefined) return { kind: 'client', client: checkClient(client) };
  if (url !== undefined) return { kind: 'single', url: checkUrl(url), options: {} };
  if (cluster !== undefined) {
    if (!Array.isArray(cluster.nodes) || cluster.nodes.length === 0) {
      throw new LockOptionsError('cluster.nodes', cluster.nodes, 'a list of one node at least');
    }
    return { kind: 'cluster', nodes: cluster.nodes, options: cluster.options ?? {} };
  }
  if (sentinel !== undefined) {
    if (!Array.isArray(sentinel.sentinels) || sentinel.sentinels.length === 0) {
      throw new LockOptionsError(
        'sentinel.sentinels',
        sentinel.sentinels,
        'a list of one at least',
      );
    }
    if (typeof sentinel.name !== 'string' || sentinel.name === '') {
      throw new LockOptionsError('sentinel.name', sentinel.name, 'the name of the master');
    }
  }
  return { kind: 'single', url: null, options: sentinel ?? single ?? {} };
}

/**
 * A lazy client is fine, `open` connects it; what cannot be used is one that is not for commands.
 */
function checkClient(client: SingleClient | ClusterClient): SingleClient | ClusterClient {
  if (
    typeof client !== 'object' ||
    typeof (client as Partial<SingleClient>).callBuffer !== 'function'
  ) {
    throw new LockOptionsError('client', client, 'a Redis or Cluster of ioredis 5 or 6');
  }
  const allowed = 'a client that takes commands';
  if (client.status === 'end') throw new LockOptionsError('client', 'a closed one', allowed);
  if ('monitor' in client.options && client.options.monitor === true) {
    throw new LockOptionsError('client', 'one that monitors', allowed);
  }
  const { mode } = client as { readonly mode?: unknown };
  if (!isCluster(client) && mode === 'subscriber') {
    throw new LockOptionsError('client', 'one in subscriber mode', allowed);
  }
  return client;
}

function checkUrl(url: string): string {
  // The url itself is not shown: there may be a password in it.
  if (typeof url !== 'string' || !/^rediss?:\/\/./.test(url) || !URL.canParse(url)) {
    throw new LockOptionsError('url', 'something else', 'a redis:// or rediss:// url');
  }
  return url;
}

function whole(option: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new LockOptionsError(option, value, `a whole number from ${least} to ${most}`);
  }
}
