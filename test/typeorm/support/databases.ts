/** The databases that a suite of the TypeORM driver runs on, each with a database of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { sharedMariaDb, sharedPostgres } from '../../support/servers/index.mjs';
import type { SharedSql } from '../../support/servers/types.js';

/** What is different from one to the other. */
interface Recipe {
  readonly title: string;
  make(): Promise<{ readonly options: DataSourceOptions; remove(): Promise<void> }>;
}

/** One database, and the data sources that were made on it. */
export class TestDatabase {
  readonly title: string;
  readonly #recipe: Recipe;
  #made: Awaited<ReturnType<Recipe['make']>> | null = null;
  readonly #dataSources: DataSource[] = [];

  constructor(recipe: Recipe) {
    this.title = recipe.title;
    this.#recipe = recipe;
  }

  /** The credentials of an application. */
  get options(): DataSourceOptions {
    if (this.#made === null) throw new Error(`${this.title} is not started.`);
    return this.#made.options;
  }

  async start(): Promise<void> {
    this.#made = await this.#recipe.make();
  }

  async stop(): Promise<void> {
    for (const dataSource of this.#dataSources.splice(0)) {
      if (dataSource.isInitialized) await dataSource.destroy();
    }
    await this.#made?.remove();
  }

  /** An application's own: initialised here, destroyed by `stop`. */
  async dataSource(overrides: object = {}): Promise<DataSource> {
    const dataSource = new DataSource({ ...this.options, ...overrides });
    await dataSource.initialize();
    this.#dataSources.push(dataSource);
    return dataSource;
  }
}

export const newPostgres = (): TestDatabase =>
  new TestDatabase({
    title: 'PostgreSQL',
    make: async () => fromServer(await sharedPostgres(), 'postgres'),
  });

export const newMariaDb = (): TestDatabase =>
  new TestDatabase({
    title: 'MariaDB',
    make: async () => fromServer(await sharedMariaDb(), 'mariadb'),
  });

export const newSqlite = (): TestDatabase =>
  new TestDatabase({
    title: 'SQLite',
    make: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'locks-'));
      const database = join(folder, 'application.sqlite');
      return {
        options: { type: 'better-sqlite3', driver: Database, database },
        remove: () => rm(folder, { recursive: true, force: true }),
      };
    },
  });

/** For `describe.each`. */
export const DATABASES = [
  ['PostgreSQL', newPostgres],
  ['MariaDB', newMariaDb],
  ['SQLite', newSqlite],
] as const;

function fromServer(
  { host, port, user, password, database, stop }: SharedSql,
  type: 'postgres' | 'mariadb',
): { readonly options: DataSourceOptions; remove(): Promise<void> } {
  const options = { type, host, port, username: user, password, database, poolSize: 5 };
  return { options, remove: stop };
}
