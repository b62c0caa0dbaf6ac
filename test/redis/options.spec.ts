/** What `redisLocks` refuses, before anything is sent. */
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { redisLocks, type RedisLocksOptions } from '../../lib/drivers/redis/index.js';

const url = 'redis://127.0.0.1:1';
const SECRET = 'hunter2';

describe('redisLocks', () => {
  it.each([
    ['no address', {}, /one of client, url, options, cluster and sentinel/],
    ['two addresses', { url, options: {} }, /got "url and options"/],
    ['a url of another kind', { url: `http://:${SECRET}@host` }, /url must be/],
    ['a url that is none', { url: `redis://:${SECRET}@host:port` }, /url must be/],
    ['a cluster without nodes', { cluster: { nodes: [] } }, /cluster.nodes/],
    [
      'a sentinel without a name',
      { sentinel: { sentinels: [{ host: 'h', port: 1 }], name: '' } },
      /name/,
    ],
    ['a namespace with braces', { url, namespace: 'a{b}' }, /namespace must be .* without braces/],
    ['an empty namespace', { url, namespace: '' }, /namespace/],
    ['a memory too short', { url, keepEndingsMs: 999 }, /keepEndingsMs must be a whole number/],
    ['a timeout of nothing', { url, timeoutMs: 0 }, /timeoutMs/],
    ['an option that there is not', { url, ttl: 5 }, /ttl must be left out/],
    ['a client that is none', { client: {} }, /client must be a Redis or Cluster/],
  ])('refuses %s', (_title, options, message) => {
    const make = (): unknown => redisLocks(options as RedisLocksOptions);

    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: 'LOCK_OPTIONS' }));
    expect(make).not.toThrow(SECRET);
  });

  it('refuses a client that is closed, monitors, or is subscribed', () => {
    const closed = new Redis({ lazyConnect: true });
    closed.disconnect();
    const monitor = new Redis({ lazyConnect: true, monitor: true });
    const subscribed = new Redis({ lazyConnect: true });
    Object.defineProperty(subscribed, 'mode', { value: 'subscriber' });

    for (const client of [closed, monitor, subscribed]) {
      expect(() => redisLocks({ client })).toThrow(/client must be a client that takes commands/);
    }
  });

  it('sends nothing and opens nothing by itself', () => {
    const client = new Redis({ lazyConnect: true });

    redisLocks({ client });

    expect(client.status).toBe('wait');
  });
});
