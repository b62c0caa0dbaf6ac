/**
 * Where the keys of a name live. A server without cluster mode has one bucket, so that all requests
 * of a tick can travel in one call; a cluster has many, each in one slot, spread over its nodes. It
 * is the server that decides, never the client, or two processes could look for one name in two
 * places.
 */

import type { Connection } from './connection.js';
import { rawCommands } from './redis-client.js';

/** A power of two. Changing it moves the names of a running cluster: never do. */
const CLUSTER_BUCKETS = 1_024;

export interface Bucket {
  /** What the keys of its names begin with: `{locks}:lock:`. */
  readonly locks: string;
  /** The key of its clock; in the same slot. */
  readonly clock: string;
}

export interface Buckets {
  of(name: string): Bucket;
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
  const info = String(await connection.bounded(rawCommands(client).clusterBuffer('info')));
  if (!info.includes('cluster_size:1\r')) {
    throw new Error('this server is one node of a Redis Cluster: use the option `cluster`');
  }
  return clusterBuckets(namespace);
}

function oneBucket(namespace: string): Buckets {
  const only = bucket(namespace);
  return { of: () => only, many: false };
}

function clusterBuckets(namespace: string): Buckets {
  const all = Array.from({ length: CLUSTER_BUCKETS }, (_, index) =>
    bucket(`${namespace}:${index}`),
  );
  const [first] = all;
  if (first === undefined) throw new Error('there are no buckets');
  return { of: (name) => all[hash(name) % CLUSTER_BUCKETS] ?? first, many: true };
}

function bucket(tag: string): Bucket {
  return { locks: `{${tag}}:lock:`, clock: `{${tag}}:clock` };
}

/** FNV-1a over the UTF-16 units: cheap, the same everywhere, and even enough. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
