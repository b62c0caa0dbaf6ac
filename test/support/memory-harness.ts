/** The memory driver for the conformance kit: drivers on one store, whose clock can be moved on. */
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { memoryLocks, MemoryStore } from '../../lib/drivers/memory/index.js';
import { behind, type Network } from '../../lib/testing/unreliable.js';
import type { ConformanceHarness } from '../../lib/testing/index.js';

export function memoryHarness(): ConformanceHarness {
  let ahead = 0;
  let commands = 0;
  const counted: Network = (send) => {
    commands += 1;
    return send();
  };
  const clock: Clock = { now: () => systemClock.now() + ahead, after: systemClock.after };
  const store = new MemoryStore({ clock });
  const inOrder = <T>(value: T): Promise<T> => Promise.resolve(value);
  return {
    push: true,
    newDriver: () => behind(counted, memoryLocks({ store })),
    commands: () => inOrder(commands),
    elapse: (_name, ms) => {
      ahead += ms;
      return inOrder(undefined);
    },
    forget: () => inOrder(store.restart({ empty: true })),
    restart: () => inOrder(store.restart({ empty: false })),
  };
}
