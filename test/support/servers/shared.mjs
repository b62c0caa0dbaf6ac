// @ts-check
/**
 * One server of each kind for the whole run, for suites that need some server and leave its process
 * alone. Jest's global setup opens a broker; the first suite that asks makes it start the server,
 * so a run of unit tests starts none. Outside Jest (bench, race) the servers belong to this
 * process.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { startRedis } from './redis.mjs';
import { runMariaDb, runPostgres, startMariaDb, startPostgres } from './sql.mjs';

/** @typedef {import('./types.ts').Product} Product */
/** @typedef {import('./types.ts').SharedSql} SharedSql */

const STARTS = { redis: startRedis, postgres: startPostgres, mariadb: startMariaDb };

/** @type {Map<Product, Promise<import('./types.ts').TestServer>>} */
const started = new Map();

/** @returns {Promise<import('./types.ts').RedisAddress>} */
export async function sharedRedis() {
  const url = await addressOf('redis');
  const { hostname: host, port } = new URL(url);
  return { host, port: Number(port || 6379), url, namespace: uniqueName() };
}

/** @returns {Promise<SharedSql>} with a database of the caller's own */
export async function sharedPostgres() {
  const admin = await addressOf('postgres');
  const database = uniqueName();
  await runPostgres(admin, `CREATE DATABASE ${database}`);
  return withDatabase(admin, 5432, database, () =>
    runPostgres(admin, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`),
  );
}

/** @returns {Promise<SharedSql>} with a database of the caller's own */
export async function sharedMariaDb() {
  const admin = await addressOf('mariadb');
  const database = uniqueName();
  await runMariaDb(admin, `CREATE DATABASE ${database}`);
  return withDatabase(admin, 3306, database, () =>
    runMariaDb(admin, `DROP DATABASE IF EXISTS ${database}`),
  );
}

/**
 * Opens the broker and leaves its address to the workers. Its port is loopback only.
 * @returns {Promise<() => Promise<void>>} stops it, and every server that it started
 */
export async function openBroker() {
  const broker = createServer((request, response) => {
    const product = /** @type {Product} */ ((request.url ?? '').slice(1));
    addressOf(product).then(
      (url) => response.end(url),
      (error) => response.writeHead(500).end(String(error.message)),
    );
  });
  await new Promise((resolve) => broker.listen(0, '127.0.0.1', () => resolve(undefined)));
  broker.unref();
  const { port } = /** @type {import('node:net').AddressInfo} */ (broker.address());
  process.env['TEST_SERVERS_BROKER'] = `http://127.0.0.1:${port}`;
  brokerIsHere = true;
  return async () => {
    broker.closeAllConnections();
    broker.close();
    const servers = await Promise.allSettled(started.values());
    started.clear();
    for (const server of servers) if (server.status === 'fulfilled') await server.value.stop();
  };
}

let brokerIsHere = false;

/**
 * @param {Product} product
 * @returns {Promise<string>}
 */
async function addressOf(product) {
  const given = process.env[`TEST_${product.toUpperCase()}_URL`];
  if (given !== undefined && given !== '') return given;
  const broker = process.env['TEST_SERVERS_BROKER'];
  if (broker !== undefined && !brokerIsHere) {
    // A kept connection may be closed by the broker just as a busy suite uses it again.
    const response = await fetch(`${broker}/${product}`, { headers: { connection: 'close' } });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text;
  }
  let server = started.get(product);
  if (server === undefined) {
    server = STARTS[product]();
    started.set(product, server);
  }
  return (await server).url;
}

/**
 * @param {string} admin
 * @param {number} usualPort
 * @param {string} database
 * @param {() => Promise<void>} stop
 * @returns {SharedSql}
 */
function withDatabase(admin, usualPort, database, stop) {
  const url = new URL(admin);
  url.pathname = `/${database}`;
  return {
    host: url.hostname,
    port: Number(url.port || usualPort),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
    url: url.href,
    stop,
  };
}

function uniqueName() {
  return `t_${randomBytes(6).toString('hex')}`;
}
