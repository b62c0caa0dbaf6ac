/**
 * What is used of `pg`, which TypeORM has loaded: this package imports no client of its own. Named
 * prepared statements go through the pool directly, because `DataSource.query` has no names for
 * them.
 */
import type { DataSource } from 'typeorm';

export interface PgQuery {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly rowMode?: 'array';
}

export interface PgClient {
  connect(): Promise<unknown>;
  query(query: PgQuery): Promise<{ readonly rows: readonly unknown[] }>;
  end(): Promise<void>;
  on(event: 'notification', listener: (message: PgNotification) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
}

export interface PgNotification {
  readonly channel: string;
  readonly payload?: string;
}

export interface PgPool {
  readonly options: object;
  readonly Client: new (options: object) => PgClient;
  query(query: PgQuery): Promise<{ readonly rows: readonly unknown[] }>;
}

/** The pool of a data source that is initialised; with replication, that of the primary. */
export function poolOf({ driver }: DataSource): PgPool {
  return (driver as unknown as { readonly master: PgPool }).master;
}

/** The SQLSTATE of an error of the server; `undefined` for all others. */
export function sqlState(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
