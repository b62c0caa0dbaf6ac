/** What those see who look without touching: inspect, list and notes. */
import assert from 'node:assert/strict';
import { LINE_TIMES } from '../../core/lock-driver.js';
import type { LockState } from '../../core/lease.js';
import { patient, rules } from '../rule.js';
import { pause } from '../waiting.js';

export const outsideRules = rules('Seen from outside', {
  'shows a name that nobody ever took as free, with nothing else to say': async (world) => {
    const name = world.name();

    const state = await world.caller(name).inspects();

    assert.deepEqual(state, {
      ...{ name, phase: 'free', owner: null, token: null, heldForMs: 0, remainingMs: 0 },
      ...{ waiting: 0, note: null, ending: null },
    });
  },

  'shows who holds, since when, for how long, with which token and note': async (world) => {
    const name = world.name();
    const [holder, other] = world.callers(name);
    await holder.takes({ ttlMs: 30_000, note: '{"step":1}' });
    await other.joins();
    await pause(60);

    const { heldForMs, remainingMs, ...rest } = await other.inspects();

    assert.deepEqual(rest, {
      ...{ name, phase: 'held', owner: holder.owner, token: holder.token, waiting: 1 },
      ...{ note: { step: 1 }, ending: null },
    });
    assert.ok(Number.isInteger(heldForMs) && heldForMs >= 50 && heldForMs < 20_000, `${heldForMs}`);
    assert.ok(Number.isInteger(remainingMs) && remainingMs > 10_000 && remainingMs < 30_000);
  },

  'counts heldForMs from the grant, whatever is renewed': patient(async (world) => {
    const name = world.name();
    const holder = world.caller(name);
    await holder.takes();
    await world.elapse(name, 600);

    await holder.renews();
    await holder.takes();

    assert.ok((await holder.inspects()).heldForMs >= 598);
  }),

  'shows a lease that ran out as free and expired': patient(async (world) => {
    const name = world.name();
    const holder = world.caller(name);
    await holder.takes({ ttlMs: 300, note: '"n"' });
    await world.elapse(name, 300);

    const state = await holder.inspects();

    assert.deepEqual(state, {
      ...{ name, phase: 'free', owner: null, token: holder.token, heldForMs: 0, remainingMs: 0 },
      ...{ waiting: 0, note: null },
      ending: { how: 'expired', owner: holder.owner, token: holder.token },
    });
  }),

  'changes nothing by inspecting, listing and watching': patient(async (world) => {
    const name = world.name();
    const [holder, waiter, watcher] = world.callers(name);
    const look = async (): Promise<void> => {
      await watcher.inspects();
      await watcher.driver.list({ prefix: name, limit: 5 });
      await watcher.driver.watch(name);
    };
    await look();
    await holder.takes({ ttlMs: LINE_TIMES.ticketMs - 500 });
    await waiter.joins();
    for (let passed = 0; passed < LINE_TIMES.ticketMs; passed += 1_000) {
      await look();
      await world.elapse(name, 1_000);
    }

    await look();

    // Neither the lease nor the ticket lives longer, and the ending still waits for the next one.
    const state = await watcher.inspects();
    assert.deepEqual([state.phase, state.waiting], ['free', 0]);
    assert.equal((await waiter.takes()).previous?.how, 'expired');
  }),

  'lists what is held, claimed, resting or waited for, in the order of its bytes': async (
    world,
  ) => {
    const prefix = world.name();
    const take = async (tail: string, process = 0): Promise<void> => {
      await world.caller(prefix + tail, process).takes();
    };
    // UTF-16 would sort \uffff behind the emoji, a collation would sort "B" behind "a".
    const tails = ['', '!', 'B', '_', 'a', 'a b', 'é', '\uffff', '😀'];
    for (const [n, tail] of [...tails.entries()].reverse()) await take(tail, n);
    const [resting, claimed, freed] = ['x-resting', 'y-claimed', 'z-freed'].map((tail) =>
      world.caller(prefix + tail),
    );
    assert.ok(resting && claimed && freed);
    for (const caller of [resting, claimed, freed]) await caller.takes();
    await world.caller(claimed.name, 1).joins();
    await resting.gives({ atLeastMs: 30_000 });
    await claimed.gives();
    await freed.gives();

    const listed = await freed.driver.list({ prefix, limit: 100 });
    const three = await freed.driver.list({ prefix, limit: 3 });

    const expected = [...tails, 'x-resting', 'y-claimed'].sort((one, other) =>
      Buffer.compare(Buffer.from(one), Buffer.from(other)),
    );
    assert.deepEqual(
      listed.map((state) => state.name.slice(prefix.length)),
      expected,
    );
    assert.deepEqual(
      three.map((state) => state.name.slice(prefix.length)),
      expected.slice(0, 3),
    );
    assert.deepEqual(
      listed.map((state) => state.phase).filter((phase) => phase !== 'held'),
      ['resting', 'claimed'],
    );
  },

  'lists the same of a name as inspect shows': async (world) => {
    const name = world.name();
    const [holder, waiter] = world.callers(name);
    await holder.takes({ tokens: 10, note: '[1]' });
    await waiter.joins();

    const [listed] = await waiter.driver.list({ prefix: name, limit: 1 });
    const inspected = await holder.inspects();

    assert.deepEqual(steady(listed), steady(inspected));
  },

  'lists a free name as long as somebody waits for it, and not a lease that ran out': patient(
    async (world) => {
      const [waited, dead] = [world.name('list'), world.name('list')];
      await world.caller(waited).takes({ ttlMs: 400 });
      await world.caller(waited, 1).joins();
      await world.caller(dead).takes({ ttlMs: 400 });
      await world.elapse(waited, 400);
      if (world.timeIsCheap) await world.elapse(dead, 400);

      const of = (prefix: string): Promise<readonly LockState[]> =>
        world.caller(waited, 2).driver.list({ prefix, limit: 10 });

      const [state] = await of(waited);
      assert.deepEqual([state?.phase, state?.waiting, state?.ending?.how], ['free', 1, 'expired']);
      assert.deepEqual(await of(dead), []);
    },
  ),

  'takes a prefix byte by byte: nothing in it is a pattern': async (world) => {
    const base = world.name();
    const { driver } = world.caller(base);
    const specials = [
      '%',
      '_',
      '*',
      '?',
      '[ab]',
      '[',
      ']',
      '\\',
      '\\%',
      '^',
      '$',
      '.',
      '(',
      '+',
      "'",
      '\u0000',
      'É',
      '😀',
    ];
    for (const [n, special] of specials.entries()) {
      await world.caller(`${base}${special}tail`, n).takes();
    }
    // What the patterns above would match.
    for (const [n, decoy] of ['atail', 'btail', 'xxtail', 'étail', 'Étail'].entries()) {
      const caller = world.caller(`${base}${decoy}`, n);
      if (decoy !== 'Étail') await caller.takes();
    }

    for (const special of specials) {
      const listed = await driver.list({ prefix: base + special, limit: 50 });
      const expected = specials.filter((other) => `${other}tail`.startsWith(special));
      assert.deepEqual(
        new Set(listed.map((state) => state.name)),
        new Set(expected.map((other) => `${base}${other}tail`)),
        JSON.stringify(special),
      );
    }
    assert.deepEqual(await driver.list({ prefix: `${base}A`, limit: 50 }), []);
  },

  'keeps to the limit of a list of everything': async (world) => {
    for (const n of [0, 1, 2]) await world.caller(world.name(), n).takes();

    const listed = await world.caller(world.name()).driver.list({ prefix: '', limit: 2 });

    assert.equal(listed.length, 2);
  },

  'shows the note of the holder while it holds, and no other': async (world) => {
    const name = world.name();
    const [holder, next] = world.callers(name);
    const note = async (): Promise<unknown> => (await next.inspects()).note;
    await holder.takes({ note: '"first"' });
    const seen = [await note()];

    await holder.renews();
    seen.push(await note());
    await holder.renews({ note: '{"n":2}' });
    seen.push(await note());
    await holder.renews({ note: null });
    seen.push(await note());
    await holder.renews({ note: 'false' });
    seen.push(await note());
    await holder.gives();
    seen.push(await note());
    await next.takes();
    seen.push(await note());

    assert.deepEqual(seen, ['first', 'first', { n: 2 }, null, false, null, null]);
  },

  'shows notes unchanged, up to a thousand characters': async (world) => {
    const values = [
      'x'.repeat(998),
      { quotes: '\' " ` \\ %s $1 ?', lines: '\n\r\t\u2028', nul: '\u0000', emoji: '😀é' },
      ['😀'.repeat(250)],
      [1, -2.5, 1e21, true, null, [], {}],
      0,
      '',
    ];
    for (const value of values) {
      const caller = world.caller(world.name());
      await caller.takes({ note: JSON.stringify(value) });
      assert.deepEqual((await caller.inspects()).note, value);
    }
  },
});

function steady(state: LockState | undefined): Partial<LockState> {
  assert.ok(state);
  const { heldForMs: _held, remainingMs: _remaining, ...rest } = state;
  return rest;
}
