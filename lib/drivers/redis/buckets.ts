/**
 * Where the keys of a name live. A server without cluster mode has one bucket, so that all requests
 * of a tick can travel in one call; a cluster has many, each in one slot, spread over its nodes. It
 * is the server that decides, never the client, or two processes could look for one name in two
 * places.
 */

import type { Connection } from './connection.js';

/** A power of two. Changing it moves the names of a running cluster: never do. */
const CLUSTER_BUCKETS = 1_024;

export interface Buckets {
  /** The key that all keys of the name's bucket begin like, and share a slot with. */
  clockKey(name: string): string;
  /** The key of the name itself. */
  lockKey(name: string): string;
  /** All that there are, by their `clockKey`. */
  readonly all: readonly string[];
  /** Whether requests for several buckets have to be sent apart. */
  readonly many: boolean;
}

/** Asks the server. @throws the cause, fit to be shown */
export async function layout(connection: Connection, namespace: string): Promise<Buckets> {
  if (connection.isCluster) return clusterBuckets(namespace);
  const { client } = connection;
  const cluster = await connection.bounded(client.info('cluster')).catch((error: unknown) => {
    // Who may not ask is not on a cluster: there, cluster commands are part of being a client.
    if (error instanceof Error && error.message.startsWith('NOPERM')) return '';
    throw error;
  });
  if (!cluster.includes('cluster_enabled:1')) return oneBucket(namespace);
  const info = String(await connection.bounded(client.callBuffer('cluster', 'info')));
  if (!info.includes('cluster_size:1\r')) {
    throw new Error('this server is one node of a Redis Cluster: use the option `cluster`');
  }
  return clusterBuckets(namespace);
}

function oneBucket(namespace: string): Buckets {
  const clock = `{${namespace}}:clock`;
  return {
    clockKey: () => clock,
    lockKey: (name) => `{${namespace}}:lock:${name}`,
    all: [clock],
    many: false,
  };
}

function clusterBuckets(namespace: string): Buckets {
  const base = Array.from({ length: CLUSTER_BUCKETS }, (_, bucket) => `{${namespace}:${bucket}}:`);
  const baseOf = (name: string): string => base[hash(name) % CLUSTER_BUCKETS] ?? '';
  return {
    clockKey: (name) => `${baseOf(name)}clock`,
    lockKey: (name) => `${baseOf(name)}lock:${name}`,
    all: base.map((begin) => `${begin}clock`),
    many: true,
  };
}

/** FNV-1a over the UTF-16 units: cheap, the same everywhere, and even enough. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
