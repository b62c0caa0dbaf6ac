/** What travels together, and what must not. */
import { describe, expect, it } from '@jest/globals';
import { Gatherer } from '../../lib/drivers/typeorm/gatherer.js';

interface Batch {
  readonly items: readonly string[];
  readonly answer: () => void;
  readonly fail: (error: Error) => void;
}

/** Items are `key` or `key/n`; answers are the items in capitals. */
function gathering(
  lanes: number,
  maxBatch = 100,
): { gatherer: Gatherer<string, string>; batches: Batch[] } {
  const batches: Batch[] = [];
  const gatherer = new Gatherer<string, string>({
    run: (items) =>
      new Promise((resolve, reject) => {
        const answer = (): void => {
          resolve(items.map((item) => item.toUpperCase()));
        };
        batches.push({ items, answer, fail: reject });
      }),
    keyOf: (item) => item.split('/')[0] ?? '',
    lanes,
    maxBatch,
  });
  return { gatherer, batches };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the gatherer', () => {
  it('sends the calls of one tick together, those of its promise callbacks too', async () => {
    const { gatherer, batches } = gathering(3);

    const calls = ['a', 'b'].map((item) => gatherer.submit(item));
    const later = Promise.resolve().then(() => gatherer.submit('c'));
    await turn();
    batches[0]?.answer();

    expect(batches.map(({ items }) => items)).toEqual([['a', 'b', 'c']]);
    expect(await Promise.all([...calls, later])).toEqual(['A', 'B', 'C']);
  });

  it('never has one key twice in a batch, or in two batches at once, and keeps their order', async () => {
    const { gatherer, batches } = gathering(3);

    void gatherer.submit('a/1');
    void gatherer.submit('b/1');
    void gatherer.submit('a/2');
    await turn();
    const before = batches.map(({ items }) => items);
    void gatherer.submit('a/3');
    await turn();
    batches[0]?.answer();
    await turn();
    batches[1]?.answer();
    await turn();

    expect(before).toEqual([['a/1', 'b/1']]);
    expect(batches.map(({ items }) => items)).toEqual([['a/1', 'b/1'], ['a/2'], ['a/3']]);
  });

  it('gathers while all lanes are busy, up to its largest batch', async () => {
    const { gatherer, batches } = gathering(1, 2);

    void gatherer.submit('a');
    await turn();
    for (const item of ['b', 'c', 'd']) void gatherer.submit(item);
    await turn();
    const before = batches.length;
    batches[0]?.answer();
    await turn();
    batches[1]?.answer();
    await turn();

    expect(before).toBe(1);
    expect(batches.map(({ items }) => items)).toEqual([['a'], ['b', 'c'], ['d']]);
  });

  it('fails all calls of a batch that fails, and goes on', async () => {
    const { gatherer, batches } = gathering(1);
    const outcomes = Promise.allSettled([gatherer.submit('a'), gatherer.submit('b')]);
    await turn();

    batches[0]?.fail(new Error('no'));

    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const again = gatherer.submit('a');
    await turn();
    batches[1]?.answer();
    expect(await again).toBe('A');
  });
});
