/** The memory driver for the conformance kit: drivers on one store, whose clock can be moved on. */
import { systemClock, type Clock } from '../../lib/core/clock.js';
import { memoryLocks, MemoryStore } from '../../lib/drivers/memory/index.js';
import type { ConformanceHarness } from '../../lib/testing/index.js';

export function memoryHarness(): ConformanceHarness {
  let ahead = 0;
  const clock: Clock = { now: () => systemClock.now() + ahead, after: systemClock.after };
  const store = new MemoryStore({ clock });
  const inOrder = <T>(value: T): Promise<T> => Promise.resolve(value);
  return {
    push: true,
    newDriver: () => memoryLocks({ store }),
    elapse: (_name, ms) => {
      ahead += ms;
      return inOrder(undefined);
    },
    forget: () => inOrder(store.restart({ empty: true })),
    restart: () => inOrder(store.restart({ empty: false })),
  };
}
