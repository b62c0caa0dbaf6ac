/** Names are bytes: no character of them means anything to a store. */
import assert from 'node:assert/strict';
import { LONG_MS, type Process } from '../caller.js';
import { needs, rules } from '../rule.js';
import type { World } from '../world.js';

/** Some collation, pattern or quoting takes the names of one row for the same. */
const LOOKALIKES: readonly (readonly string[])[] = [
  ['order', 'Order', 'ORDER'],
  ['resume', 'résumé', 're\u0301sume\u0301'],
  ['é', 'e\u0301'],
  ['ss', 'ß', 'ẞ'],
  ['i', 'I', 'ı', 'İ'],
  ['a', 'ａ', 'а', 'ª'],
  ['x', ' x', 'x ', 'x  ', '\tx', 'x\n', 'x\u00a0', 'x\u0000', '\u0000x'],
  ['1', '01', '1.0', '1e0', '+1', '٤'],
  ['😀', '😁', '👩‍👩‍👧', '👩👩👧', '\u{10ffff}', '\uffff', '\ufffd'],
  ["'", "''", '"', '`', '\\', '\\\\', "\\'", "' OR '1'='1", '; DROP TABLE locks; --'],
  ['%', '_', '*', '?', '??', '[a]', '[^a]', '$1', ':name', '@p', '#{x}', '${x}'],
  ['{', '}', '{}', '{a}', '{a}b', '}{', '{a', 'a}'],
  [':', '::', 'a:b', 'a::b', '/', '../..', 'C:\\x', '.', '..'],
  ['null', 'undefined', 'true', 'NaN', '__proto__', 'constructor', '[object Object]'],
  ['\u202eabc', 'abc', 'abc\u200b', 'a\u0000b', 'a\u0000c', '\u0001', '\u007f', '\r\n'],
];

export const nameRules = rules('Names', {
  'tells apart names that differ in one byte': async (world) => {
    for (const lookalikes of LOOKALIKES) {
      const prefix = world.name();
      const holders = lookalikes.map((tail, n) => world.caller(prefix + tail, n));

      for (const holder of holders) await holder.takes();

      for (const holder of holders) {
        const state = await holder.inspects();
        assert.equal(state.owner, holder.owner, JSON.stringify(holder.name));
        assert.equal(state.name, holder.name);
      }
      const listed = await world
        .caller(prefix)
        .driver.list({ prefix, limit: lookalikes.length + 1 });
      assert.deepEqual(new Set(listed.map((state) => state.name)), names(holders));
      for (const holder of holders) await holder.gives();
    }
  },

  'runs every verb on a name made of characters that mean something elsewhere': async (world) => {
    const name = `${world.name()}' "\`\\%_*?[x]{y}:$1 \u0000\n😀é`;
    const [holder, waiter, last] = world.callers(name);

    await holder.takes();
    await waiter.joins();
    await last.joins();
    assert.equal(await holder.renews({ note: '{"a":"\\u0000"}' }), true);
    assert.equal((await holder.driver.watch(name)).state.owner, holder.owner);
    await holder.gives();
    assert.equal((await waiter.inspects()).owner, waiter.owner);
    await waiter.takes();
    await last.leaves();
    assert.equal(await last.driver.forceRelease(name), true);

    const { phase, waiting } = await last.inspects();
    assert.deepEqual([phase, waiting], ['free', 0]);
  },

  'takes names of one byte and of 255 bytes, and minds the last of them': async (world) => {
    const long = world.name().padEnd(254, 'x');
    const emoji = world.name().padEnd(27, '.') + '😀'.repeat(57);
    assert.equal(Buffer.byteLength(emoji), 255);
    const holders = [`${long}a`, `${long}b`, long, emoji].map((name) => world.caller(name));

    for (const holder of holders) await holder.takes();

    for (const holder of holders) {
      const state = await holder.inspects();
      assert.deepEqual([state.name, state.owner], [holder.name, holder.owner]);
    }
    const oneByte = world.caller('~');
    await oneByte.driver.forceRelease('~');
    await oneByte.waits();
    assert.equal((await oneByte.inspects()).owner, oneByte.owner);
    await oneByte.gives();
  },

  'keeps the names of namespaces apart': needs('newDriverIn', async (world) => {
    const name = world.name();
    const [one, other] = await namespaced(world, 'kit-a', 'kit-b');

    await one.driver.acquire(request(one, name));
    const answer = await other.driver.acquire(request(other, name));
    const listed = await other.driver.list({ prefix: name, limit: 10 });
    await one.driver.forceRelease(name);

    assert.equal(answer.granted, true);
    assert.equal(listed.length, 1);
    assert.equal((await other.driver.inspect(name)).phase, 'held');
  }),

  'does not take name "bc" in namespace "a" for name "c" in namespace "ab"': needs(
    'newDriverIn',
    async (world) => {
      const tail = world.name();
      for (const between of ['', ':', '/', '.']) {
        const [one, other] = await namespaced(world, 'kit', `kit${between}b`);

        const first = await one.driver.acquire(request(one, `b${between}${tail}`));
        const second = await other.driver.acquire(request(other, tail));
        const third = await other.driver.acquire(request(other, `${between}${tail}`));

        assert.deepEqual(
          [first.granted, second.granted, third.granted],
          [true, true, between !== ''],
        );
        await other.driver.forceRelease(tail);
        await one.driver.forceRelease(`b${between}${tail}`);
      }
    },
  ),
});

function names(holders: readonly { readonly name: string }[]): ReadonlySet<string> {
  return new Set(holders.map((holder) => holder.name));
}

async function namespaced(world: World, one: string, other: string): Promise<[Process, Process]> {
  const open = async (namespace: string): Promise<Process> =>
    world.freshProcess(await world.harness.newDriverIn?.(namespace));
  return [await open(one), await open(other)];
}

function request(process: Process, name: string): Parameters<Process['driver']['acquire']>[0] {
  const owner = process.newOwner();
  return { name, owner, ttlMs: LONG_MS, line: 'none', tokens: 1, atMostMs: null, note: null };
}
