/**
 * What a suite gets from `test/support/servers`. The code beside it is plain JavaScript, so that
 * Jest's global setup, the bench and the race can use it without a build.
 */

/** One server of its own, on a port that stays the same over restarts. */
export interface TestServer {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** The server's process; under Docker, that of `docker run`. `null` while it is down. */
  readonly pid: number | null;
  /** Ends it for good and removes its data. Done for you when the run ends, however it ends. */
  stop(): Promise<void>;
  /** Asks it to go down in good order; its data stays for `restart()`. */
  shutdown(): Promise<void>;
  /** No goodbye. What it had written to the operating system stays for `restart()`. */
  kill9(): Promise<void>;
  /** Up again on the same port, from whatever state it is in; `empty`: without its data. */
  restart(options?: { readonly empty?: boolean }): Promise<void>;
  /** SIGSTOP: connections stay open and nobody answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Everything that the server has logged so far. */
  log(): string;
}

export interface StartOptions {
  /** Real fsync, as in production. Off: writes survive `kill9()`, not a power cut. */
  readonly durable?: boolean;
  /** More arguments for the server; the last one wins. */
  readonly args?: readonly string[];
}

/** Where a server is, for suites that need some server and do not touch its process. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** New for every call: a prefix that no other suite uses. */
  readonly namespace: string;
}

export interface SqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly url: string;
}

/** A database that was made for this caller. */
export interface SharedSql extends SqlAddress {
  /** Drops the database. */
  stop(): Promise<void>;
}

export interface SqlServer extends TestServer, SqlAddress {}

/** Three masters without replicas, every slot covered. */
export interface TestRedisCluster {
  readonly nodes: readonly TestServer[];
  /** For `new Cluster(roots)`. */
  readonly roots: readonly { readonly host: string; readonly port: number }[];
  stop(): Promise<void>;
}

/** A master with one replica, watched by one sentinel that fails over after half a second. */
export interface TestRedisSentinel {
  /** For `new Redis({ sentinels, name })`. */
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  readonly name: string;
  /** Who is what at the start; a failover swaps the roles. */
  readonly master: TestServer;
  readonly replica: TestServer;
  stop(): Promise<void>;
}

export type Product = 'redis' | 'postgres' | 'mariadb';

/** How a program of a product is run here: a binary of this machine, or a container. */
export interface Host {
  /** Fills a data folder or the like, and waits for the end. */
  run(program: string, args: readonly string[], folder: string): Promise<void>;
  start(program: string, args: readonly string[], place: Place): Running;
  /** Hands a folder over to the user that the product runs as. */
  own(folder: string): void;
}

export interface Place {
  readonly folder: string;
  readonly logFile: string;
  readonly ports: readonly number[];
}

export interface Running {
  readonly pid: number;
  readonly exited: Promise<void>;
  signal(signal: NodeJS.Signals): void;
}
