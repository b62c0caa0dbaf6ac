// @ts-check
/**
 * PostgreSQL and MariaDB, each with a data folder that is made once in a run and then copied. Not
 * durable means no fsync; every commit is still written before it is answered, so it survives a
 * kill.
 */
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { hostFor } from './hosts.mjs';
import { answers, freePort } from './ports.mjs';
import { startServer } from './server.mjs';

/** @typedef {import('./types.ts').StartOptions} StartOptions */
/** @typedef {import('./types.ts').SqlServer} SqlServer */
/** @typedef {import('./types.ts').SqlAddress} SqlAddress */

/**
 * @param {StartOptions} [options]
 * @returns {Promise<SqlServer>}
 */
export async function startPostgres({ durable = false, args = [] } = {}) {
  const port = await freePort();
  const url = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`;
  const loose = ['fsync=off', 'full_page_writes=off'];
  const settings = [
    ...['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=300'],
    ...(durable ? [] : loose),
  ];
  const server = await startServer({
    product: 'postgres',
    program: 'postgres',
    port,
    url,
    // Fast shutdown: does not wait for clients to leave.
    graceful: 'SIGINT',
    fill: (data) =>
      hostFor('postgres').run(
        'initdb',
        [
          ...['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--encoding=UTF8'],
          ...['--locale=C', '--no-instructions'],
        ],
        join(data, '..'),
      ),
    args: (folder) => [
      ...['-D', join(folder, 'data'), '-p', `${port}`],
      ...settings.flatMap((setting) => ['-c', setting]),
      ...args,
    ],
    isReady: () => canQuery(() => runPostgres(url, 'SELECT 1')),
  });
  return withAddress(server, 'postgres', 'postgres', 'postgres');
}

/**
 * @param {StartOptions} [options]
 * @returns {Promise<SqlServer>}
 */
export async function startMariaDb({ durable = false, args = [] } = {}) {
  const port = await freePort();
  const url = `mysql://test:test@127.0.0.1:${port}/test`;
  // mariadbd as root wants to hear that this is meant.
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  const size = '--innodb-log-file-size=16M';
  const server = await startServer({
    product: 'mariadb',
    program: 'mariadbd',
    port,
    url,
    graceful: 'SIGTERM',
    fill: (data) =>
      hostFor('mariadb').run(
        'mariadb-install-db',
        [
          ...['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal'],
          ...['--skip-test-db', size, ...user],
        ],
        join(data, '..'),
      ),
    args: (folder) => [
      ...['--no-defaults', `--datadir=${join(folder, 'data')}`, `--port=${port}`, ...user],
      ...['--bind-address=127.0.0.1', `--socket=${join(folder, 's')}`, '--skip-name-resolve'],
      ...['--max-connections=500', '--innodb-buffer-pool-size=64M', size],
      `--innodb-flush-log-at-trx-commit=${durable ? 1 : 2}`,
      ...(durable ? [] : ['--innodb-flush-method=nosync']),
      ...args,
    ],
    isReady: () =>
      answers(port, '', 'MariaDB').then(
        (up) => up && canQuery(() => runMariaDb(`mysql://root@127.0.0.1:${port}`, FIRST_STEPS)),
      ),
  });
  return withAddress(server, 'test', 'test', 'test');
}

/** Again at every start, and harmless: the user and the database that the tests work with. */
const FIRST_STEPS = [
  "CREATE USER IF NOT EXISTS test@'%' IDENTIFIED BY 'test'",
  "GRANT ALL ON *.* TO test@'%' WITH GRANT OPTION",
  'CREATE DATABASE IF NOT EXISTS test',
];

/**
 * @param {string} url
 * @param {string | readonly string[]} statements
 */
export async function runPostgres(url, statements) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {
    // The query itself rejects with it.
  });
  try {
    await client.connect();
    for (const statement of [statements].flat()) await client.query(statement);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * @param {string} url
 * @param {string | readonly string[]} statements
 */
export async function runMariaDb(url, statements) {
  const connection = await createConnection({ uri: url, connectTimeout: 5_000 });
  try {
    for (const statement of [statements].flat()) await connection.query(statement);
  } finally {
    connection.destroy();
  }
}

/** @param {() => Promise<void>} query */
async function canQuery(query) {
  try {
    await query();
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {import('./types.ts').TestServer} server
 * @param {string} user
 * @param {string} password
 * @param {string} database
 * @returns {SqlServer}
 */
function withAddress(server, user, password, database) {
  // Not a copy: `pid` is a getter.
  return Object.assign(server, { user, password, database });
}
