/** Steps that meet: whatever the order, one of the outcomes that some order would have had. */
import assert from 'node:assert/strict';
import { needs, patient, rules } from '../rule.js';
import { eventually, pause } from '../waiting.js';

export const contentionRules = rules('Contention', {
  'loses no update of an unguarded counter: ten processes, a hundred rounds each': async (
    world,
  ) => {
    const name = world.name();
    await world.processes(10);
    let counter = 0;
    let rounds = 0;
    let inside = 0;
    let last = 0;
    const client = async (n: number): Promise<void> => {
      for (const _ of world.rounds(world.handOvers(100))) {
        rounds += 1;
        const caller = world.caller(name, n);
        const { token } = await caller.waits();
        inside += 1;
        assert.equal(inside, 1, 'nobody else is inside');
        assert.ok(token > last, 'each holder has a higher token than the one before');
        last = token;
        const read = counter;
        await pause(0);
        counter = read + 1;
        inside -= 1;
        await caller.gives();
      }
    };

    await Promise.all(Array.from({ length: 10 }, (_, n) => client(n)));

    assert.equal(counter, rounds);
    assert.equal((await world.caller(name).inspects()).waiting, 0);
  },

  'serves clients that release and rejoin in turn, one after the other': async (world) => {
    const name = world.name();
    await world.processes(5);
    const rounds = world.size(world.handOvers(40));
    const turns: number[] = [];
    const client = async (n: number): Promise<void> => {
      let caller = world.caller(name, n);
      await caller.waits();
      // Nobody goes on before all stand in the line.
      await eventually(
        'the others wait',
        async () => (await caller.inspects()).waiting >= 4 || turns.length > 0,
      );
      for (let round = 0; round < rounds; round += 1) {
        turns.push(n);
        const next = world.caller(name, n);
        const { released } = await caller.releases({ rejoin: next.request({ line: 'join' }) });
        assert.equal(released, true);
        await next.waits();
        caller = next;
      }
      turns.push(n);
      await caller.gives();
    };

    await Promise.all([0, 1, 2, 3, 4].map(client));

    const order = turns.slice(0, 5);
    assert.deepEqual(
      turns,
      Array.from({ length: 5 * (rounds + 1) }, (_, n) => order[n % 5]),
    );
  },

  'never brings a lease back that a release met': async (world) => {
    for (const round of world.rounds(1_000)) {
      const name = world.name();
      const [holder] = world.callers(name);
      await holder.takes();

      // Both orders of sending; both are under way when the first answer comes.
      const early = round % 2 === 0 ? holder.renews() : null;
      const release = holder.releases();
      const late = holder.renews();
      const [{ released }] = await Promise.all([release, early, late]);

      assert.equal(released, true);
      assert.equal(await holder.renews(), false);
      if (round % 10 === 0) assert.equal((await holder.inspects()).phase, 'free');
    }
  },

  'does one release of two that come at once, and hands over once': async (world) => {
    for (const _ of world.rounds(50)) {
      const name = world.name();
      const [holder, first, second] = world.callers(name);
      await holder.takes();
      await first.joins();
      await second.joins();

      const elsewhere = {
        name,
        owner: holder.owner,
        error: null,
        token: 1,
        atLeastMs: 0,
        rejoin: null,
      };
      const answers = await Promise.all([
        holder.releases(),
        first.driver.release(elsewhere),
        second.driver.release(elsewhere),
      ]);

      assert.equal(answers.filter(({ released }) => released).length, 1);
      const state = await holder.inspects();
      assert.deepEqual([state.owner, state.waiting], [first.owner, 1]);
    }
  },

  'does one of a release and a forced release that come at once': async (world) => {
    for (const _ of world.rounds(50)) {
      const name = world.name();
      const [holder, other] = world.callers(name);
      await holder.takes();

      const [{ released }, forced, forcedAgain] = await Promise.all([
        holder.releases(),
        other.driver.forceRelease(name),
        holder.driver.forceRelease(name),
      ]);

      assert.equal([released, forced, forcedAgain].filter(Boolean).length, 1);
      const { previous } = await other.takes();
      assert.equal(previous?.how, released ? 'released' : 'forced');
    }
  },

  'loses no hand-over to a waiter that leaves meanwhile': async (world) => {
    for (const round of world.rounds(100)) {
      const name = world.name();
      const [holder, leaver, next] = world.callers(name);
      await holder.takes();
      await leaver.joins();
      await next.joins();

      await Promise.all(
        round % 2 === 0 ? [holder.gives(), leaver.leaves()] : [leaver.leaves(), holder.gives()],
      );

      const state = await holder.inspects();
      assert.deepEqual(
        [state.phase, state.owner, state.waiting],
        ['claimed', next.owner, 0],
        `round ${round}`,
      );
    }
  },

  'loses no hand-over to a waiter that asks again meanwhile': async (world) => {
    for (const round of world.rounds(100)) {
      const name = world.name();
      const [holder, head, second] = world.callers(name);
      await holder.takes();
      await head.joins();
      await second.joins();

      const [, answer] = await Promise.all([holder.gives(), head.asks({ line: 'join' })]);

      const { owner, waiting } = await holder.inspects();
      assert.deepEqual([owner, waiting], [head.owner, 1], `round ${round}`);
      if (!answer.granted) await head.takes();
    }
  },

  'hands over to one that joins as the lease is released, or grants it, and loses it never': async (
    world,
  ) => {
    for (const round of world.rounds(200)) {
      const name = world.name();
      const [holder, joiner] = world.callers(name);
      await holder.takes();

      const [, answer] = await Promise.all([holder.gives(), joiner.asks({ line: 'join' })]);

      const { phase, owner, waiting } = await holder.inspects();
      assert.deepEqual(
        [phase, owner, waiting],
        [answer.granted ? 'held' : 'claimed', joiner.owner, 0],
        `round ${round}`,
      );
    }
  },

  'leaves no trace of a request and a leave that come at once': async (world) => {
    for (const _ of world.rounds(50)) {
      const name = world.name();
      const [holder, waiter] = world.callers(name);
      await holder.takes();

      await Promise.all([waiter.joins(), waiter.leaves()]);
      await waiter.leaves();
      await holder.gives();

      assert.equal((await holder.inspects()).phase, 'free');
    }
  },

  'takes many names at once from every side without a mistake': async (world) => {
    const names = Array.from({ length: 50 }, () => world.name());
    for (const _ of world.rounds(10)) {
      // Each process walks the names in another order, so that batches cross.
      const wanted = [0, 1, 2].flatMap((process) =>
        names.map((_, n) => {
          const at = process === 0 ? n : process === 1 ? names.length - 1 - n : (n * 7) % 50;
          return world.caller(names[at] ?? '', process);
        }),
      );
      const answers = await Promise.all(wanted.map((caller) => caller.asks()));

      const winners = wanted.filter((_, n) => answers[n]?.granted);
      assert.equal(winners.length, names.length);
      assert.equal(new Set(winners.map(({ name }) => name)).size, names.length);
      const renewed = await Promise.all(winners.map((winner) => winner.renews()));
      assert.ok(renewed.every(Boolean));
      await Promise.all(winners.map((winner) => winner.gives()));
    }
  },

  'wakes exactly the one that is handed the lease': needs('push', async (world) => {
    const name = world.name();
    await world.processes(5);
    const holder = world.caller(name);
    await holder.takes();
    const waiters = world.crowd(name, 20);
    for (const waiter of waiters) await waiter.joins();

    let current = holder;
    for (const [n, waiter] of waiters.slice(0, 5).entries()) {
      await current.gives();
      await eventually(`waiter ${n} is woken`, () => waiter.wasWoken);
      await waiter.takes();
      current = waiter;
      assert.equal(waiters.filter(({ wasWoken }) => wasWoken).length, n + 1);
    }
  }),

  'wakes the next one too when a lease is left, forced or handed on': needs(
    'push',
    async (world) => {
      const name = world.name();
      const [holder, claimant, next] = world.callers(name);
      const last = world.caller(name);
      await holder.takes();
      for (const waiter of [claimant, next, last]) await waiter.joins();

      await holder.driver.forceRelease(name);
      await eventually('the head is woken by force', () => claimant.wasWoken);
      await claimant.leaves();
      await eventually('the next is woken by the leave', () => next.wasWoken);
      await next.takes();
      const again = world.caller(name, 2);
      await next.gives({ rejoin: again.request({ line: 'join' }) });
      await eventually('the last is woken by the release with rejoin', () => last.wasWoken);

      assert.equal(again.wasWoken, false);
    },
  ),

  'delays the next by a claim at most when the head of the line has closed its driver': patient(
    async (world) => {
      const name = world.name();
      const [holder, next] = world.callers(name);
      const closed = await world.freshProcess();
      await holder.takes();
      const owner = closed.newOwner();
      await closed.driver.acquire({ ...holder.request({ line: 'join' }), owner });
      const waiting = next.waits();
      await eventually('both wait', async () => (await holder.inspects()).waiting === 2);
      await closed.driver.close();

      await holder.gives();
      await world.elapse(name, 2_000);

      await waiting;
      await next.gives();
    },
  ),
});
