/** The callers of one name inside a process: who is next, and what the last one leaves behind. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Locks } from '../../lib/core/locks.js';
import { memoryLocks, MemoryStore } from '../../lib/drivers/memory/index.js';

const open: Locks[] = [];

function locksOn(store: MemoryStore): Locks {
  const locks = new Locks({ driver: memoryLocks({ store }) });
  open.push(locks);
  return locks;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((locks) => locks.close()));
});

describe('a try that was refused', () => {
  it('leaves nothing behind that keeps the next caller from asking', async () => {
    const store = new MemoryStore();
    const [holder, other] = [locksOn(store), locksOn(store)];
    const held = await holder.acquire('a');
    await expect(other.tryAcquire('a')).resolves.toBeNull();

    await held.release();

    await expect(other.tryAcquire('a')).resolves.not.toBeNull();
  });
});
