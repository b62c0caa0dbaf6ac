/**
 * What befalls a world from outside: stalls, crashes, outages and restarts while the storm lasts,
 * and what operators do at any time: forcing a lock free, watching one, shutting an instance down.
 */
import type { LockState } from '../../lib/core/lease.js';
import type { Client } from './client.js';
import { show } from './ledger.js';
import type { World } from './world.js';

export function brewStorm(world: World): void {
  const { random, plan, timeline } = world;
  const { weather, stormUntil } = plan;
  const often = (times: number, run: () => void): void => {
    for (let time = 0; time < times; time += 1) {
      timeline.schedule(random.between(50, stormUntil), run);
    }
  };
  const longest = 1.5 * Math.max(...plan.ttls);
  often(weather.stalls, () => {
    one(world)?.freeze(random.between(10, Math.min(longest, 4_000)));
  });
  often(weather.crashes, () => {
    const client = one(world);
    if (client === undefined) return;
    client.crash();
    // The store notices at once, late, or not at all.
    const noticed = random.pick([0, random.between(0, 4_000), Infinity]);
    if (noticed === Infinity) return;
    timeline.schedule(timeline.now + noticed, () => {
      client.link.disconnect();
    });
  });
  often(weather.outages, () => {
    const ms = random.between(50, Math.min(5_000, stormUntil - timeline.now));
    world.storeDown = true;
    world.log('store', `is down for ${Math.round(ms)} ms`);
    timeline.schedule(timeline.now + ms, () => {
      world.storeDown = false;
      world.log('store', 'is up');
    });
  });
  often(weather.restarts, () => {
    world.log('store', `restarts${plan.forgets ? ' and has forgotten everything' : ''}`);
    world.store.restart({ empty: plan.forgets });
    if (plan.forgets) world.ledger.forgotten();
  });
}

/** What people do to a system that runs. */
export function intervene(world: World): void {
  const { random, plan } = world;
  const later = (run: (client: Client) => void): void => {
    const at = random.between(0, plan.calmFrom + 3_000);
    world.timeline.schedule(at, () => {
      const client = one(world);
      if (client !== undefined) run(client);
    });
  };
  if (plan.forced) {
    later((client) => {
      const name = random.pick(plan.names);
      client.locks.forceRelease(name).catch((error: unknown) => {
        if (world.calm) world.fail('the store is well', String(error));
      });
    });
  }
  if (plan.shutdowns) later((client) => shutDown(world, client));
  if (plan.watchers) later((client) => watch(world, client));
}

function shutDown(world: World, client: Client): void {
  const { random } = world;
  client.refusing = true;
  if (random.chance(0.3)) {
    client.locks.refuse();
    return;
  }
  const graceMs = random.whole(0, 1_000);
  const startedAt = client.now();
  world.log(client.process, `shuts down, ${graceMs} ms of grace`);
  client.locks
    .drain(graceMs)
    .then(async () => {
      const took = client.now() - startedAt;
      if (took > graceMs + 1_200 && world.timeline.now > client.thawedAt + graceMs + 1_200) {
        world.fail('a shutdown keeps its time', `${client.process}: ${took} ms`);
      }
      if (random.chance(0.5)) await client.locks.close();
    })
    .catch((error: unknown) => {
      world.fail('a shutdown never fails', String(error));
    });
}

/** Watches a name for a while; then what was told last must be what is true. */
function watch(world: World, client: Client): void {
  const { random, plan, timeline } = world;
  const name = random.pick(plan.names);
  let last: LockState | null = null;
  const stop = client.locks.watch(name, (state) => {
    last = state;
  });
  const until = Math.max(timeline.now, plan.calmFrom) + random.between(3_000, 6_000);
  client.later(until - timeline.now, 'timer', () => {
    stop();
    if (client.refusing) return;
    const now = world.store.inspect(name);
    const book = world.ledger.settled(name);
    const lately = timeline.now - 2_600;
    const isOld = book.hold === null ? book.freeFrom < lately : book.hold.since < lately;
    if (!isOld || book.line.length > 0 || book.claim !== null || book.rest !== null) return;
    if (last === null || last.phase !== now.phase || last.owner !== now.owner) {
      world.fail('a watcher knows what is true', `${show(last)}, not ${show(now)}`);
    }
  });
}

function one(world: World): Client | undefined {
  const living = world.clients.filter(({ dead, refusing }) => !dead && !refusing);
  return living[world.random.whole(0, living.length - 1)];
}
