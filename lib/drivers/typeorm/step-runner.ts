/**
 * Brings single steps to the store: gathered with the others of their tick, repeated when the
 * database says that it may succeed the next time, and asked again alone while their row is
 * locked.
 */
import { Gatherer } from './gatherer.js';
import { jitteredPause, repeatTransient } from './repeat.js';
import type { SqlAnswer, SqlDialect, SqlStep, SqlStore } from './sql-dialect.js';

/**
 * So large that the cost of a round trip is spread thin, so small that no row stays locked for
 * long.
 */
const MAX_BATCH = 250;
/** Less than the core waits for an answer, so that it hears why. */
const GIVE_UP_MS = 4_000;
const LONGEST_PAUSE_MS = 50;

export class StepRunner {
  readonly #gatherer: Gatherer<SqlStep, SqlAnswer>;

  constructor(store: Pick<SqlStore, 'run' | 'lanes'>, dialect: Pick<SqlDialect, 'isTransient'>) {
    this.#gatherer = new Gatherer({
      run: (steps) => repeatTransient(dialect, () => store.run(steps)),
      keyOf: (step) => step.request.name,
      lanes: store.lanes,
      maxBatch: MAX_BATCH,
    });
  }

  async run(step: SqlStep): Promise<Exclude<SqlAnswer, 'busy'>> {
    const startedAt = performance.now();
    for (let pauseMs = 0; ; pauseMs = Math.min(pauseMs * 2 + 1, LONGEST_PAUSE_MS)) {
      const answer = await this.#gatherer.submit(step);
      if (answer !== 'busy') return answer;
      if (performance.now() - startedAt > GIVE_UP_MS) {
        throw new Error('its row is locked by a transaction that does not end');
      }
      // The first time at once: most likely it travels alone now, and waits where the row is.
      if (pauseMs > 0) await jitteredPause(pauseMs);
    }
  }
}
