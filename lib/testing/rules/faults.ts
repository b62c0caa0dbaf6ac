/** The store cannot be reached, or forgot who listens: a typed error, and it works again. */
import assert from 'node:assert/strict';
import { LockStoreError } from '../../core/lock-errors.js';
import { Caller, LONG_MS, type Process } from '../caller.js';
import { needs, rules } from '../rule.js';
import { eventually, pause } from '../waiting.js';
import type { World } from '../world.js';

/** Calls need not end by themselves while the store is away: the core has timeouts of its own. */
const PATIENCE_MS = 3_000;
const NO_ANSWER = Symbol('no answer');

export const faultRules = rules('Faults', {
  'answers nothing but a LockStoreError while the store cannot be reached': needs(
    'cut',
    async (world) => {
      const process = await world.freshProcess();
      const holder = new Caller(process, world.name());
      const free = new Caller(process, world.name());
      await holder.takes();
      await world.harness.cut?.(process.driver);

      const outcomes = await Promise.all(
        [
          () => holder.renews(),
          () => holder.asks(),
          () => free.asks({ line: 'join' }),
          () => holder.inspects(),
          () => holder.releases(),
          () => free.leaves(),
          () => holder.driver.forceRelease(free.name),
          () => holder.driver.list({ prefix: free.name, limit: 1 }),
          () => holder.driver.watch(free.name),
        ].map(outcome),
      );

      await world.harness.restore?.(process.driver);
      for (const [n, was] of outcomes.entries()) {
        const fair = was === NO_ANSWER || was instanceof LockStoreError;
        assert.ok(fair, `call ${n}: ${String(was)}`);
      }
    },
  ),

  'works again after the connection was lost, with what it held': needs('cut', async (world) => {
    const process = await world.freshProcess();
    const holder = new Caller(process, world.name());
    await holder.takes({ ttlMs: 2 * LONG_MS });

    await world.harness.cut?.(process.driver);
    await outcome(() => holder.renews());
    await world.harness.restore?.(process.driver);

    await worksAgain(process, holder.name);
    assert.equal(await holder.renews(), true);
    assert.equal((await holder.takes()).token, holder.token);
    await holder.gives();
    await world.caller(holder.name, 1).takes();
  }),

  'says that pushes may have been missed after the connection was lost, and pushes again': needs(
    'push',
    needs('cut', async (world) => {
      const process = await world.freshProcess();
      await world.harness.cut?.(process.driver);
      await outcome(() => process.driver.inspect(world.name()));
      process.wakes = [];

      await world.harness.restore?.(process.driver);

      await hearsOfMissedPushes(process);
      await pushesArrive(world, process);
    }),
  ),

  'works again after a restart of the store, without being opened again': needs(
    'restart',
    async (world) => {
      const [process] = await world.processes(1);
      assert.ok(process);

      await world.harness.restart?.();

      await worksAgain(process, world.name());
      const name = world.name();
      for (const caller of world.callers(name)) {
        await eventually('every process works again', () =>
          caller.waits().then(
            () => true,
            () => false,
          ),
        );
        await caller.gives();
      }
    },
  ),

  'says that pushes may have been missed after a restart, and pushes again': needs(
    'push',
    needs('restart', async (world) => {
      const process = await world.freshProcess();

      await world.harness.restart?.();

      await hearsOfMissedPushes(process);
      await worksAgain(process, world.name());
      await pushesArrive(world, process);
    }),
  ),
});

/** What a call answers, throws, or that it does neither for a while. */
async function outcome(call: () => Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, NO_ANSWER);
  });
  const answered = call().then(
    (value) => `an answer: ${JSON.stringify(value)}`,
    (error: unknown) => error,
  );
  const first = await Promise.race([answered, patience]);
  clearTimeout(timer);
  return first;
}

async function worksAgain(process: Process, name: string): Promise<void> {
  await eventually(
    'the driver works again',
    () => outcome(() => process.driver.inspect(name)).then((was) => typeof was === 'string'),
    30_000,
  );
}

async function hearsOfMissedPushes(process: Process): Promise<void> {
  const missed = (): boolean => process.wakes.some((wake) => wake.kind === 'missed');
  await eventually('the process hears that pushes may have been missed', missed, 20_000);
}

/** The first hand-overs after a reconnect may find the subscription not yet renewed. */
async function pushesArrive(world: World, process: Process): Promise<void> {
  await eventually(
    'a hand-over is pushed again',
    async () => {
      const name = world.name();
      const holder = world.caller(name);
      const waiter = new Caller(process, name);
      try {
        await holder.takes();
        await waiter.joins();
        await holder.gives();
      } catch (error) {
        if (error instanceof LockStoreError) return false;
        throw error;
      }
      await pause(200);
      return waiter.wasWoken;
    },
    20_000,
  );
}
