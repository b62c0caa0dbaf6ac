/**
 * Wall clocks that are wrong, and that jump. Seen to fail when a driver or the core asks
 * `Date.now()` instead of the store or the monotonic clock: the holder that lives an hour ahead
 * takes a fresh lease of the others for one that ran out.
 *
 * The clocks are shifted by a module loaded before the program, that puts a wrong `Date` in place.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { FaultStore, STORES } from './support/stores.js';
import type { Taker } from './support/taker.js';

/** Shifts the wall clock by so many minutes, and back and forth again every 50 ms. */
const SHIFT = `
const RealDate = Date;
const minutes = Number(process.env.CLOCK_SHIFT_MINUTES);
let shift = minutes * 60_000;
setInterval(() => { shift = -shift; }, 50).unref();
globalThis.Date = class extends RealDate {
  constructor(...args) { if (args.length === 0) super(RealDate.now() + shift); else super(...args); }
  static now() { return RealDate.now() + shift; }
};
`;

describe.each(STORES)('wrong wall clocks on %s', (kind) => {
  let store: FaultStore;

  beforeAll(async () => {
    store = await FaultStore.start(kind);
  }, 120_000);
  afterEach(() => store.clear());
  afterAll(() => store.stop());

  function shifted(name: string, minutes: number): Promise<Taker> {
    const module = join(store.folder, 'shift.cjs');
    writeFileSync(module, SHIFT);
    const env = { NODE_OPTIONS: `--require ${module}`, CLOCK_SHIFT_MINUTES: String(minutes) };
    return store.taker(name, { env });
  }

  it('steal no lease, end none early, and keep none longer', async () => {
    const [ahead, behind] = [await shifted('ahead', 60), await shifted('behind', -60)];
    const name = store.name();

    const first = await ahead.take(name, { ttlMs: 2_000 });
    expect(await behind.try(name)).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await behind.try(name)).toBeNull();
    expect(await ahead.look(name)).toEqual({ held: true, aborted: false });

    await ahead.kill();
    const killedAt = performance.now();
    const second = await behind.take(name, { ttlMs: 2_000, waitMs: 20_000 });
    expect(performance.now() - killedAt).toBeLessThan(3_500);
    expect(second.token).toBeGreaterThan(first.token);
  });
});
