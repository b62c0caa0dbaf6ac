/**
 * What this driver uses of ioredis, so that a client of any version 5 or 6, also one of another
 * copy of the package, can be lent to it.
 */

export interface RedisClient {
  /** `wait`, `connecting`, `connect`, `ready`, `close`, `reconnecting` or `end`. */
  readonly status: string;
  readonly options: object;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  quit(): Promise<unknown>;
  /** Not called, `rawCommands` is; but every client has it, and says so in its types. */
  callBuffer(command: string, ...args: (string | Buffer | number)[]): Promise<unknown>;
  info(section: string): Promise<string>;
}

/** A client of one server, or of the master that Sentinel names. */
export interface SingleClient extends RedisClient {
  duplicate(override: object): SingleClient;
  subscribe(channel: string): Promise<unknown>;
  on(event: 'message', listener: (channel: string, message: string) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
}

/** A client of a Redis Cluster. */
export interface ClusterClient extends RedisClient {
  readonly isCluster: boolean;
  nodes(role: 'master' | 'all'): SingleClient[];
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export function isCluster(client: RedisClient): client is ClusterClient {
  return 'isCluster' in client && client.isCluster === true;
}

/**
 * Commands that answer bytes. Every client has these methods, its types name the plain ones alone;
 * `callBuffer`, which they do name, forgets the command when the client pipelines by itself.
 */
export interface RawCommands {
  evalshaBuffer(sha: string, keys: number, ...args: (string | Buffer | number)[]): Promise<unknown>;
  evalBuffer(source: string, keys: number, ...args: (string | Buffer)[]): Promise<unknown>;
  scanBuffer(cursor: string, ...args: (string | number)[]): Promise<unknown>;
  clusterBuffer(what: string): Promise<unknown>;
}

export function rawCommands(client: RedisClient): RawCommands {
  return client as unknown as RawCommands;
}
