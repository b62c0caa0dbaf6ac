/** One timer for any number of alarms. */
import { describe, expect, it } from '@jest/globals';
import { Alarms, GRID_MS, Reminder } from '../../lib/core/alarms.js';
import { FakeClock } from '../support/fake-clock.js';

function late(clock: FakeClock): Alarms {
  return new Alarms(clock, { early: false, background: false });
}

describe('alarms', () => {
  it('ring at their time or up to one step of the grid later, never before', async () => {
    const clock = new FakeClock();
    const alarms = late(clock);
    const rung: number[] = [];
    for (const at of [5, 13, 20, 20.5, 999]) {
      alarms.set(new Reminder((now) => rung.push(now - at)), at);
    }

    await clock.advance(1_100);

    expect(rung).toHaveLength(5);
    for (const delay of rung) {
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThan(GRID_MS);
    }
  });

  it('ring before their time, by less than a step, where that is the safe side', async () => {
    const clock = new FakeClock();
    const alarms = new Alarms(clock, { early: true, background: true });
    const rung: number[] = [];
    for (const at of [15, 20, 999]) alarms.set(new Reminder((now) => rung.push(at - now)), at);

    await clock.advance(1_100);

    expect(rung).toHaveLength(3);
    for (const ahead of rung) {
      expect(ahead).toBeGreaterThanOrEqual(0);
      expect(ahead).toBeLessThan(GRID_MS);
    }
  });

  it('share one timer, however many they are', () => {
    const clock = new FakeClock();
    const alarms = late(clock);

    for (let at = 1_000; at > 0; at -= 1) alarms.set(new Reminder(() => undefined), at);

    expect(clock.timers).toBe(1);
  });

  it('leave the event loop a turn between portions, however many are due', async () => {
    const clock = new FakeClock();
    const alarms = late(clock);
    let portions = 0;
    let inPortion = 0;
    let largest = 0;
    const ring = (): void => {
      // A microtask runs when the timer's callback is over.
      if (inPortion === 0) {
        portions += 1;
        queueMicrotask(() => {
          inPortion = 0;
        });
      }
      inPortion += 1;
      largest = Math.max(largest, inPortion);
    };
    for (let count = 0; count < 2_000; count += 1) alarms.set(new Reminder(ring), 100);

    await clock.advance(200);

    expect({ portions, largest }).toEqual({ portions: 4, largest: 500 });
  });

  it('do not ring once cleared, and ring once when moved', async () => {
    const clock = new FakeClock();
    const alarms = late(clock);
    const rung: string[] = [];
    const cleared = new Reminder(() => rung.push('cleared'));
    const moved = new Reminder((now) => rung.push(`moved ${now}`));
    alarms.set(cleared, 100);
    alarms.set(moved, 100);

    alarms.clear(cleared);
    alarms.set(moved, 50);
    alarms.set(moved, 200);
    await clock.advance(1_000);

    expect(rung).toEqual(['moved 200']);
  });

  it('may clear or set one another while they ring', async () => {
    const clock = new FakeClock();
    const alarms = late(clock);
    const rung: string[] = [];
    const one = new Reminder(() => {
      rung.push('one');
      alarms.clear(two);
    });
    const two = new Reminder(() => {
      rung.push('two');
      alarms.clear(one);
    });
    const again = new Reminder((now) => {
      rung.push(`again ${now}`);
      if (now < 300) alarms.set(again, now + 100);
    });
    alarms.set(one, 100);
    alarms.set(two, 100);
    alarms.set(again, 100);

    await clock.advance(1_000);

    // Whichever of the two comes first silences the other.
    expect(rung.filter((what) => !what.startsWith('again'))).toHaveLength(1);
    expect(rung.filter((what) => what.startsWith('again'))).toEqual([
      'again 100',
      'again 200',
      'again 300',
    ]);
  });

  it('keep the process alive only while one is set', () => {
    const clock = new FakeClock();
    const alarms = late(clock);
    const alarm = new Reminder(() => undefined);

    alarms.set(alarm, 100);
    const whileSet = clock.keepsAlive;
    alarms.clear(alarm);
    const whenCleared = clock.keepsAlive;
    alarms.set(alarm, 200);
    const whenSetAgain = clock.keepsAlive;

    expect([whileSet, whenCleared, whenSetAgain]).toEqual([true, false, true]);
  });

  it('never keep the process alive in the background, nor once they are let go', () => {
    const clock = new FakeClock();
    const background = new Alarms(clock, { early: true, background: true });
    const foreground = late(clock);

    background.set(new Reminder(() => undefined), 100);
    foreground.set(new Reminder(() => undefined), 100);
    foreground.letGo();
    foreground.set(new Reminder(() => undefined), 50);

    expect(clock.keepsAlive).toBe(false);
  });

  it('leave no timer behind that rings for nobody', async () => {
    const clock = new FakeClock();
    const alarms = late(clock);
    const many = Array.from({ length: 100 }, (_, n) => {
      const alarm = new Reminder(() => undefined);
      alarms.set(alarm, 100 + 10 * n);
      return alarm;
    });

    for (const alarm of many) alarms.clear(alarm);
    await clock.advance(110);

    expect(clock.timers).toBe(0);
  });
});
