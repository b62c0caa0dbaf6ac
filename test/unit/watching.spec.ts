/** Watching a lock that one does not hold. */
import { describe, expect, it } from '@jest/globals';
import { Locks } from '../../lib/core/locks.js';
import { memoryLocks, MemoryStore } from '../../lib/drivers/memory/index.js';
import { FakeClock } from '../support/fake-clock.js';

describe('a watch', () => {
  it('outlives a listener that throws', async () => {
    const clock = new FakeClock();
    const locks = new Locks({ driver: memoryLocks({ store: new MemoryStore({ clock }) }), clock });
    const seen: string[] = [];
    const stop = locks.watch('a', ({ phase }) => {
      seen.push(phase);
      throw new Error('its own mistake');
    });
    await clock.advance(100);

    await locks.acquire('a');
    await clock.advance(100);
    stop();

    expect(seen).toEqual(['free', 'held']);
  });

  it('leaves no timer when it ends', async () => {
    const clock = new FakeClock();
    const locks = new Locks({ driver: memoryLocks({ store: new MemoryStore({ clock }) }), clock });
    const stop = locks.watch('a', () => undefined);
    await clock.advance(5_000);

    stop();

    expect(clock.keepsAlive).toBe(false);
  });
});
