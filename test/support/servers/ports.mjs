// @ts-check
/**
 * Free ports. They lie below the range from which the system gives ports to outgoing connections,
 * so that nobody takes one while its server is down between two starts.
 */
import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

const LOWEST = 12_000;
const HIGHEST = 22_000;
/** A Redis Cluster node also listens this much higher. */
export const BUS_OFFSET = 10_000;

export async function freePort() {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(LOWEST, HIGHEST);
    if ((await isFree(port)) && (await isFree(port + BUS_OFFSET))) return port;
  }
  throw new Error(`No free port found between ${LOWEST} and ${HIGHEST}.`);
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen(port, '127.0.0.1', () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
}

/**
 * Sends one line and says whether the answer holds `expected`.
 * @param {number} port
 * @param {string} line
 * @param {string} expected
 * @returns {Promise<boolean>}
 */
export function answers(port, line, expected) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    /** @param {boolean} result */
    const end = (result) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(1_000, () => {
      end(false);
    });
    socket.once('error', () => {
      end(false);
    });
    socket.once('data', (data) => {
      end(data.toString().includes(expected));
    });
    socket.once('connect', () => {
      socket.write(line);
    });
  });
}
