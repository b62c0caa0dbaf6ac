/**
 * What may be left of a world in which everybody is done: nothing, but for the leases and tickets
 * of those who died, and leases that were lost before their holder was done.
 */
import type { Engine } from '../../lib/core/engine.js';
import type { Core, World } from './world.js';

/** Driver → the engine that uses it. */
const engines = new WeakMap<object, Engine>();
const caught = new WeakSet<object>();

/** Has every engine of this core show itself, through a method that all of them call. */
export function catchEngines({ Engine }: Core): void {
  if (caught.has(Engine)) return;
  caught.add(Engine);
  const { nextOwner } = Engine.prototype;
  Engine.prototype.nextOwner = function (this: Engine) {
    engines.set(this.driver, this);
    return nextOwner.call(this);
  };
}

export function checkLeftovers(world: World): void {
  const { clients, ledger, timeline, plan, fail, beliefs } = world;
  for (const client of clients) {
    if (client.dead) continue;
    const engine = engines.get(client.link);
    if (client.timers > 0) fail('no timer is left behind', client.process);
    if (engine === undefined) continue;
    if (engine.wakeable.size > 0) fail('nobody is left to be woken', client.process);
    if (engine.insisting > 0) fail('no step is left under way', client.process);
  }
  for (const name of ledger.books.keys()) {
    const { hold, claim, line } = ledger.settled(name);
    if (hold !== null && hold.since >= plan.calmFrom && !beliefs.mayOutlive(hold.owner)) {
      fail('no lease is left behind', `${name}: ${hold.owner}`);
    }
    const waiting = [...line.map(({ owner }) => owner), ...(claim === null ? [] : [claim.owner])];
    for (const owner of waiting) {
      const isDead = clients.some(({ dead, process }) => dead && owner.startsWith(`${process}:`));
      if (!isDead && timeline.now > plan.calmFrom + 5_000) {
        fail('no ticket is left behind', `${name}: ${owner}`);
      }
    }
  }
}
