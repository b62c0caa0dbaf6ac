/** What an application sees: the real core over three drivers, as three of its instances. */
import assert from 'node:assert/strict';
import {
  LockHeldError,
  LockOptionsError,
  LockReentryError,
  LockShutdownError,
} from '../../core/lock-errors.js';
import type { Locks } from '../../core/locks.js';
import { rules } from '../rule.js';
import { eventually, pause } from '../waiting.js';

export const coreRules = rules('The core', {
  'gives the lock to another instance after the release, with a higher token': async (world) => {
    const name = world.name();
    const [one, other] = await world.locks();
    const held = await one.acquire(name);
    assert.equal(await other.tryAcquire(name), null);
    await assert.rejects(other.acquire(name, { waitMs: 0 }), LockHeldError);

    const waiting = other.acquire(name);
    await held.release();
    const next = await waiting;

    assert.ok(next.token > held.token);
    assert.deepEqual(next.previous, { how: 'released', owner: held.owner, token: held.token });
    assert.deepEqual([held.held, next.held], [false, true]);
    await next.release();
  },

  'grants exactly one of fifty-one tries of three instances': async (world) => {
    const all = await world.locks();
    for (const _ of world.rounds(10)) {
      const name = world.name();

      const turns = Array.from({ length: 17 }, () => all).flat();
      const tries = await Promise.all(turns.map((locks) => locks.tryAcquire(name)));

      const winners = tries.filter((lock) => lock !== null);
      assert.equal(winners.length, 1);
      await winners[0]?.release();
    }
  },

  'refuses options that cannot be meant, and names that are none': async (world) => {
    const name = world.name();
    const [locks] = await world.locks();
    const badMs = [-1, Number.NaN, 1.5, Infinity, 2 ** 31, '5' as unknown as number];

    for (const bad of badMs) {
      for (const option of ['ttlMs', 'waitMs', 'atLeastMs', 'atMostMs']) {
        await assert.rejects(locks.acquire(name, { [option]: bad }), LockOptionsError);
      }
    }
    await assert.rejects(locks.acquire(name, { ttlMs: 0 }), LockOptionsError);
    for (const bad of ['', 'x'.repeat(256), '😀'.repeat(64), '\ud800']) {
      await assert.rejects(locks.acquire(bad), LockOptionsError);
    }

    assert.equal((await locks.inspect(name)).token, null);
  },

  'fails at once where a call chain would wait for itself, and joins it if told so': async (
    world,
  ) => {
    const name = world.name();
    const [locks, other] = await world.locks();

    await locks.withLock(name, async (outer) => {
      await assert.rejects(locks.acquire(name), LockReentryError);
      const token = await locks.withLock(name, { reentrant: true }, (inner) => inner.token);
      assert.equal(token, outer.token);
      assert.equal(await other.tryAcquire(name), null);
    });

    assert.equal((await other.inspect(name)).phase, 'free');
  },

  'bears a second release, which frees nobody else': async (world) => {
    const name = world.name();
    const [one, other] = await world.locks();
    const held = await one.acquire(name);
    await held.release();
    const next = await other.acquire(name);

    await held.release();
    await held.release(new Error('late'));

    assert.equal((await one.inspect(name)).owner, next.owner);
    await next.release();
    assert.equal((await one.inspect(name)).ending?.how, 'released');
  },

  'passes result and error of the body through, and the error on to the next holder': async (
    world,
  ) => {
    const name = world.name();
    const [one, other, third] = await world.locks();
    const error = Object.assign(new TypeError(''), { code: 'E_É', data: { list: [1, '\u0000'] } });
    const body = (): never => {
      throw error;
    };
    await assert.rejects(one.withLock(name, body), (thrown) => thrown === error);

    const seen = await other.withLock(name, (lock) => lock.lastError);
    const later = await third.withLock(name, (lock) => [lock.lastError, lock.previous?.how]);

    const { name: kind, message, code, data } = seen as typeof error;
    assert.deepEqual([kind, message, code, data], ['TypeError', '', 'E_É', error.data]);
    assert.deepEqual(later, [null, 'released']);
  },

  'lets a thousand callers of one instance wait with one ticket': async (world) => {
    const name = world.name();
    const [holder, crowd, other] = await world.locks();
    const held = await holder.acquire(name);
    const tokens: number[] = [];
    const callers = Array.from({ length: world.size(1_000) }, () =>
      crowd.withLock(name, { waitMs: 60_000 }, (lock) => tokens.push(lock.token)),
    );
    await eventually('they wait', async () => (await other.inspect(name)).waiting > 0);

    const { waiting } = await other.inspect(name);
    await held.release();
    await Promise.all(callers);

    assert.equal(waiting, 1);
    assert.deepEqual(
      tokens,
      [...new Set(tokens)].sort((a, b) => a - b),
    );
    assert.equal(tokens.length, callers.length);
    assert.ok((tokens[0] ?? 0) > held.token);
  },

  'serves instances first come, first served': async (world) => {
    const name = world.name();
    const all = await world.locks();
    const [first] = all;
    const held = await first.acquire(name);
    const served: number[] = [];
    const waiting: Promise<unknown>[] = [];
    for (const n of [2, 1, 0]) {
      waiting.push(all[n]?.withLock(name, () => served.push(n)) ?? Promise.resolve());
      const place = waiting.length - (n === 0 ? 1 : 0);
      await eventually('it waits', async () => (await first.inspect(name)).waiting >= place);
    }

    await held.release();
    await Promise.all(waiting);

    // The instance that held may pass a fresh lease on to its own: its place is not fixed.
    assert.deepEqual(
      served.filter((n) => n !== 0),
      [2, 1],
    );
  },

  'loses no update of an unguarded counter: three instances, thirty callers': async (world) => {
    const name = world.name();
    const all = await world.locks();
    let counter = 0;
    let rounds = 0;
    let last = 0;
    const client = async (locks: Locks): Promise<void> => {
      for (const _ of world.rounds(world.handOvers(20))) {
        rounds += 1;
        await locks.withLock(name, { waitMs: 60_000 }, async (lock) => {
          assert.ok(lock.token > last, `${lock.token} > ${last}`);
          last = lock.token;
          const read = counter;
          await pause(0);
          counter = read + 1;
        });
      }
    };

    await Promise.all(Array.from({ length: 30 }, (_, n) => client(all[n % 3] ?? all[0])));

    assert.equal(counter, rounds);
    const state = await all[0].inspect(name);
    assert.deepEqual([state.phase, state.waiting], ['free', 0]);
  },

  'leaves no ticket of a caller that calls its waiting off': async (world) => {
    const name = world.name();
    const [one, other] = await world.locks();
    const held = await one.acquire(name);
    const cancel = new AbortController();
    const waiting = other.acquire(name, { signal: cancel.signal });
    await eventually('it waits', async () => (await one.inspect(name)).waiting === 1);

    cancel.abort(new Error('enough'));

    await assert.rejects(waiting, { message: 'enough' });
    await eventually('the ticket is gone', async () => (await one.inspect(name)).waiting === 0);
    await held.release();
    assert.equal((await one.inspect(name)).phase, 'free');
  },

  'takes several names all or none, in whatever order they are named': async (world) => {
    const [a, b, c] = [world.name('a'), world.name('b'), world.name('c')];
    const [one, other, third] = await world.locks();
    let inside = 0;
    const body = async (): Promise<void> => {
      inside += 1;
      assert.equal(inside, 1);
      await pause(1);
      inside -= 1;
    };

    for (const _ of world.rounds(world.handOvers(10))) {
      await Promise.all([
        one.withLock([a, b, c], body),
        other.withLock([c, b, a], body),
        third.withLock([b, c], body),
      ]);
    }
    const held = await one.acquire(b);
    assert.equal(await other.tryAcquire([a, b, c]), null);

    await eventually('a is free again', async () => (await other.inspect(a)).phase === 'free');
    assert.equal((await other.inspect(c)).phase, 'free');
    await held.release();
  },

  'shows the note of a holder to other instances': async (world) => {
    const name = world.name();
    const [one, other] = await world.locks();

    await one.withLock(name, { note: { step: 1 } }, async (lock) => {
      assert.deepEqual((await other.inspect(name)).note, { step: 1 });
      await lock.setNote({ step: 2 });
      const [listed] = await other.list({ prefix: name });
      assert.deepEqual(listed?.note, { step: 2 });
    });
  },

  'tells a watcher in another instance the present state and what becomes of it': async (world) => {
    const name = world.name();
    const [one, other] = await world.locks();
    const seen: string[] = [];
    const end = other.watch(name, ({ phase, note, ending }) => {
      seen.push(`${phase} ${JSON.stringify(note)} ${ending?.how ?? ''}`);
    });
    const sees = (what: string): Promise<void> =>
      eventually(`the watcher sees "${what}"`, () => seen.at(-1) === what);

    await sees('free null ');
    const held = await one.acquire(name, { note: 'mine' });
    await sees('held "mine" ');
    await held.release(new Error('x'));
    await sees('free null failed');
    end();
    await (await one.acquire(name)).release();
    await pause(100);

    assert.equal(seen.at(-1), 'free null failed');
  },

  'closes for good, and bears being closed again': async (world) => {
    const name = world.name();
    const locks = await world.freshLocks();
    await (await locks.acquire(name)).release();

    await locks.close();
    await locks.close();

    await assert.rejects(locks.acquire(name), LockShutdownError);
  },
});
