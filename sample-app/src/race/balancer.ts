/**
 * A small load balancer: one address in front of all instances, each request to the next one in
 * turn. The answer says, in a header, who gave it.
 */
import { createServer, request as forward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UsageError } from './arguments.js';
import type { Fleet } from './fleet.js';

export interface Balancer {
  readonly url: string;
  close(): Promise<void>;
}

export async function startBalancer(fleet: Fleet, wantedPort: number): Promise<Balancer> {
  const server: Server = createServer((incoming, outgoing) => {
    const fail = (status: number, message: string, name = ''): void => {
      // The instance died in the middle of its answer: no other answer can follow.
      if (outgoing.headersSent) {
        outgoing.destroy();
        return;
      }
      outgoing.writeHead(status, { 'content-type': 'application/json', 'x-instance': name });
      outgoing.end(JSON.stringify({ statusCode: status, message }));
    };
    const instance = fleet.roundRobin();
    if (instance === null) {
      fail(503, 'No instance is up.');
      return;
    }
    const { name, port } = instance;
    const { method, url, headers } = incoming;
    const onward = forward({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'x-instance': name });
      answer.pipe(outgoing);
      answer.on('error', ({ message }) => {
        fail(502, message, name);
      });
    });
    onward.on('error', ({ message }) => {
      fail(502, message, name);
    });
    incoming.pipe(onward);
  });
  await listen(server, wantedPort);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** Listens on the loopback, or throws what is to be said about a port that cannot be had. */
export function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: Error & { code?: string }) => {
      const reasons: Readonly<Record<string, string>> = {
        EADDRINUSE: 'is in use',
        EACCES: 'is not open to this user',
      };
      const reason = reasons[error.code ?? ''];
      const sentence = `Port ${port} ${reason ?? ''}; choose another one with --port.`;
      reject(reason === undefined ? error : new UsageError(sentence));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}
