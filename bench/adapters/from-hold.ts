/** Most libraries take a lock and give it back; the other two uses follow from that. */
import type { BenchLock } from '../harness/contract.js';

export type Hold = (name: string) => Promise<() => Promise<void>>;

export interface FromHold {
  readonly hold: Hold;
  /** The library's own way to run a body under a lock, where it has one. */
  withLock?(name: string, body: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export function fromHold({ hold, withLock, close }: FromHold): BenchLock {
  return {
    hold,
    close,
    async pair(name) {
      const release = await hold(name);
      await release();
    },
    withLock:
      withLock ??
      (async (name, body) => {
        const release = await hold(name);
        try {
          await body();
        } finally {
          await release();
        }
      }),
  };
}

/**
 * For libraries that can only run a body under a lock: holds it by a body that waits for the
 * release.
 */
export function holdByBody(
  withLock: (name: string, body: () => Promise<void>) => Promise<void>,
): Hold {
  return (name) =>
    new Promise((resolve, reject) => {
      const whole = withLock(
        name,
        () =>
          new Promise<void>((finish) => {
            resolve(() => {
              finish();
              return whole;
            });
          }),
      );
      whole.catch(reject);
    });
}
