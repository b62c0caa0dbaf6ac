/**
 * A small load balancer: one address in front of all instances, each request to the next one in
 * turn. The answer says, in a header, who gave it.
 */
import { createServer, request as forward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Fleet } from './fleet.js';

export interface Balancer {
  readonly url: string;
  close(): Promise<void>;
}

export async function startBalancer(fleet: Fleet): Promise<Balancer> {
  const server: Server = createServer((incoming, outgoing) => {
    const { name, port } = fleet.roundRobin();
    const { method, url, headers } = incoming;
    const onward = forward({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'x-instance': name });
      answer.pipe(outgoing);
    });
    onward.on('error', (error) => {
      // The instance died under the request.
      outgoing.writeHead(502, { 'content-type': 'application/json', 'x-instance': name });
      outgoing.end(JSON.stringify({ statusCode: 502, message: error.message }));
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
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
