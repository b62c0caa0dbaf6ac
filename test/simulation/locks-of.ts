/** The real core in a simulated process, with its events written down. */
import type { LockEvent } from '../../lib/core/lock-events.js';
import type { LockLostError } from '../../lib/core/lock-errors.js';
import type { Locks } from '../../lib/core/locks.js';
import type { Client } from './client.js';
import type { World } from './world.js';

export function locksOf(world: World, client: Client): Locks {
  const { core, plan, random, beliefs } = world;
  return new core.Locks({
    ...{ driver: client.link, clock: client, process: client.process, random: random.unit },
    storeTimeoutMs: plan.storeTimeoutMs,
    onEvent: (event) => {
      if (event.type === 'acquired') beliefs.turn(event.name, event.owner, event.token);
      if (event.type === 'lost') {
        // At the end of a shutdown's grace it is another error, without a reason.
        const { reason } = event.error as Partial<LockLostError>;
        beliefs.lost(client.process, event.name, reason);
      }
      world.log(client.process, () => describeEvent(event));
    },
  });
}

function describeEvent(event: LockEvent): string {
  const subject = 'error' in event ? String(event.error) : `${event.owner}, ${event.token}`;
  return `${event.type} ${event.name}: ${subject}`;
}
