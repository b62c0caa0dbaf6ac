/**
 * Steps that must reach the store even if nobody waits for them any more: giving a lease back,
 * leaving a line. They are repeated until the store has answered, or until time itself has done
 * the work.
 */
import { Alarm } from './alarms.js';
import type { Engine } from './engine.js';

export interface InsistedStep<T> {
  readonly name: string;
  /** For messages: "could not be …". */
  readonly action: string;
  /** When it stops to matter. */
  readonly until: number;
  /** The longest that the first try may take before `told` hears of nothing. */
  readonly patienceMs: number;
  /** `first`: no try came before this one. */
  send(first: boolean): Promise<T>;
  /** Called once, after the first try: its answer, or `null` if there was none. */
  told(answer: T | null): void;
}

/** Repeats a step until the store has answered, or until it does not matter any more. */
export function insist<T>(engine: Engine, step: InsistedStep<T>): void {
  new Insistence(engine, step).send();
}

class Insistence<T> extends Alarm {
  #failures = 0;
  #asking = false;
  #over = false;
  readonly #engine: Engine;
  readonly #step: InsistedStep<T>;

  constructor(engine: Engine, step: InsistedStep<T>) {
    super();
    this.#engine = engine;
    this.#step = step;
    engine.insisting += 1;
  }

  send(): void {
    const first = this.#failures === 0;
    this.#asking = true;
    const { alarms, clock, storeTimeoutMs } = this.#engine;
    alarms.set(this, clock.now() + (first ? this.#step.patienceMs : storeTimeoutMs));
    this.#step.send(first).then(
      (answer) => {
        this.#end(answer);
      },
      (error: unknown) => {
        if (this.#asking && !this.#over) this.#failed(error);
      },
    );
  }

  ring(): void {
    if (this.#asking) this.#failed(this.#engine.tooLate());
    else this.send();
  }

  #failed(error: unknown): void {
    this.#asking = false;
    this.#failures += 1;
    this.#engine.troubled(this.#step.name, this.#step.action, error);
    if (this.#failures === 1) this.#step.told(null);
    const { alarms, clock } = this.#engine;
    const again = clock.now() + this.#engine.backOff(this.#failures);
    if (again < this.#step.until && !this.#engine.isClosed) alarms.set(this, again);
    else this.#end(null);
  }

  #end(answer: T | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#engine.alarms.clear(this);
    this.#engine.insisting -= 1;
    // After a failure the caller has been told already that nothing is known.
    if (this.#failures === 0) this.#step.told(answer);
  }
}
