/**
 * The four stores of the fault tests: a server of its own with a proxy in front, a place for logs
 * and witnesses, and takers that find their way to it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { createFenceTable } from '../../../lib/drivers/typeorm/index.js';
import { startMariaDb, startPostgres, startRedis } from '../../support/servers/index.mjs';
import type { SqlServer, TestServer } from '../../support/servers/types.js';
import type { Entry } from '../programs/diary.js';
import { openData, type StoreAddress, type StoreKind } from '../programs/open-store.js';
import { makeWitnessTable, readWitness, type Row } from '../programs/witness.js';
import { FaultProxy } from './fault-proxy.js';
import { readLog } from './log-reader.js';
import { Taker } from './taker.js';

export const STORES: readonly StoreKind[] = ['redis', 'postgres', 'mariadb', 'sqlite'];
/** Those with a server, that can be cut off and restarted. */
export const SERVERS = STORES.filter((kind) => kind !== 'sqlite');

export class FaultStore {
  readonly kind: StoreKind;
  readonly folder: string;
  /** `null` for SQLite, which is a file. */
  readonly server: TestServer | null;
  readonly proxy: FaultProxy | null;
  readonly #takers: Taker[] = [];
  #witness: DataSource | null = null;
  #logs = 0;
  #names = 0;
  #hired = 0;
  log = '';

  private constructor(kind: StoreKind, server: TestServer | null, proxy: FaultProxy | null) {
    this.kind = kind;
    this.server = server;
    this.proxy = proxy;
    this.folder = mkdtempSync(join(tmpdir(), 'lock-faults-'));
    this.newLog();
  }

  static async start(kind: StoreKind): Promise<FaultStore> {
    const start = { redis: startRedis, postgres: startPostgres, mariadb: startMariaDb };
    const server = kind === 'sqlite' ? null : await start[kind]();
    const proxy = server && new FaultProxy(server);
    await proxy?.open();
    return new FaultStore(kind, server, proxy);
  }

  async stop(): Promise<void> {
    await this.clear();
    if (this.#witness?.isInitialized) await this.#witness.destroy();
    await this.proxy?.refuse();
    await this.server?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Ends what a test has left running, and begins a new log. */
  async clear(): Promise<void> {
    await this.silence();
    this.newLog();
  }

  /** Ends what a test has left running. */
  async silence(): Promise<void> {
    await Promise.all(this.#takers.splice(0).map((taker) => taker.kill()));
  }

  newLog(): void {
    this.#logs += 1;
    this.log = join(this.folder, `log-${this.#logs}.jsonl`);
    writeFileSync(this.log, '');
  }

  entries(): readonly Entry[] {
    return readLog(this.log);
  }

  /** A lock name that no other test uses. */
  name(): string {
    this.#names += 1;
    return `fault:${this.#names}`;
  }

  /** How a process reaches it. `direct`: not through the proxy. */
  address({ direct = false }: { readonly direct?: boolean } = {}): StoreAddress {
    const { kind, server, proxy } = this;
    if (kind === 'sqlite') return { kind, file: join(this.folder, 'locks.sqlite') };
    if (server === null || proxy === null) throw new Error(`${kind} is not started`);
    const port = direct ? server.port : proxy.port;
    if (kind === 'redis') {
      const dataFile = join(this.folder, 'data.sqlite');
      return { kind, url: `redis://127.0.0.1:${port}`, namespace: 'faults', dataFile };
    }
    const { user: username, password, database } = server as SqlServer;
    return { kind, host: '127.0.0.1', port, username, password, database };
  }

  /** @param taker its name; by default, one that no other has. */
  async taker(
    taker = `taker-${(this.#hired += 1)}`,
    options: { readonly direct?: boolean; readonly env?: Record<string, string> } = {},
  ): Promise<Taker> {
    const config = { taker, store: this.address(options), log: this.log };
    const started = await Taker.start(config, options.env);
    this.#takers.push(started);
    return started;
  }

  takers<Names extends readonly string[]>(
    ...names: Names
  ): Promise<{ [Name in keyof Names]: Taker }> {
    const takers = names.map((name) => this.taker(name));
    return Promise.all(takers) as Promise<{ [Name in keyof Names]: Taker }>;
  }

  /** A file with a number in it that nothing protects. */
  fileWitness(): string {
    const file = join(this.folder, `witness-${this.#names}`);
    writeFileSync(file, '0');
    return file;
  }

  /**
   * A table to count in; answers how to read what was written under a name. For Redis it is in an
   * SQLite file beside it.
   */
  async tableWitness(): Promise<(name: string) => Promise<readonly Row[]>> {
    this.#witness ??= await openData(this.address({ direct: true }));
    const witness = this.#witness;
    await makeWitnessTable(witness);
    if (this.kind === 'redis') await createFenceTable(witness);
    return (name) => readWitness(witness, name);
  }
}
