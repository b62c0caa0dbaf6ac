/** A client of the application's is used, and left as it was. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis, type RedisOptions } from 'ioredis';
import { sharedRedis } from '../support/servers/index.mjs';
import { eventually } from '../support/eventually.js';
import type { RedisAddress } from '../support/servers/types.js';
import { TestProcess } from './process.js';

let address: RedisAddress;

beforeAll(async () => {
  address = await sharedRedis();
}, 60_000);

const clients: Redis[] = [];
afterAll(() => {
  for (const client of clients) client.disconnect();
});

function make(options: RedisOptions = {}): Redis {
  const client = new Redis(address.url, options);
  clients.push(client);
  return client;
}

describe('a lent client', () => {
  it('is neither closed, nor subscribed, nor listened to', async () => {
    const client = make();
    await client.ping();
    const before = listeners(client);
    const one = await TestProcess.open({ client, namespace: address.namespace });

    const { by } = await one.take('lent');
    const during = listeners(client);
    await one.release('lent', by);
    await one.driver.close();

    expect(during).toEqual(before);
    expect(listeners(client)).toEqual(before);
    expect(client.mode).toBe('normal');
    expect(await client.ping()).toBe('PONG');
  });

  it('may be lazy, and not allowed to keep commands waiting', async () => {
    const client = make({ lazyConnect: true, enableOfflineQueue: false });
    const one = await TestProcess.open({ client, namespace: address.namespace });

    await one.take('lazy');

    await one.driver.close();
  });

  it('leaves no connection behind when the driver is closed', async () => {
    const client = make();
    const one = await TestProcess.open({ client, namespace: address.namespace });

    await one.driver.close();

    await eventually(async () => {
      expect(await client.pubsub('CHANNELS', `${address.namespace}:*`)).toEqual([]);
    });
  });

  it('refuses everything once the driver is closed', async () => {
    const client = make();
    const one = await TestProcess.open({ client, namespace: address.namespace });

    await one.driver.close();

    await expect(one.acquire('closed')).rejects.toMatchObject({ code: 'LOCK_STORE' });
    await expect(one.driver.open(one.id)).rejects.toMatchObject({ code: 'LOCK_STORE' });
  });
});

function listeners(client: Redis): Readonly<Record<string, number>> {
  const events = client.eventNames().map((event) => [String(event), client.listenerCount(event)]);
  return Object.fromEntries(events) as Record<string, number>;
}
