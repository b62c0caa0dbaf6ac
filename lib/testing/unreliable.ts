/** Bad networks for a right driver: lost answers, requests that arrive twice, lost pushes. */
import type { LockDriver } from '../core/lock-driver.js';
import { LockStoreError } from '../core/lock-errors.js';

/** What becomes of one call; `send` may be called more than once. */
export type Network = <T>(send: () => Promise<T>) => Promise<T>;

/** The driver behind that network. Opening, closing and pushes are left alone. */
export function behind(network: Network, driver: LockDriver): LockDriver {
  return {
    storeName: driver.storeName,
    open: (process) => driver.open(process),
    acquire: (request) => network(() => driver.acquire(request)),
    renew: (requests) => network(() => driver.renew(requests)),
    release: (request) => network(() => driver.release(request)),
    leave: (name, owner) => network(() => driver.leave(name, owner)),
    inspect: (name) => network(() => driver.inspect(name)),
    list: (query) => network(() => driver.list(query)),
    watch: (name) => network(() => driver.watch(name)),
    forceRelease: (name) => network(() => driver.forceRelease(name)),
    onWake: (listener) => {
      driver.onWake(listener);
    },
    close: () => driver.close(),
  };
}

/** Every eighth request never arrives; of every other eighth, the answer is lost. */
export function lossy(): Network {
  let calls = 0;
  return async (send) => {
    calls += 1;
    const fate = calls % 8;
    if (fate === 3) throw new LockStoreError('', 'reached', new Error('the request was lost'));
    const answer = await send();
    if (fate === 7) throw new LockStoreError('', 'reached', new Error('the answer was lost'));
    return answer;
  };
}

/** Every request arrives twice; the caller hears the second answer. */
export const repeating: Network = async (send) => {
  await send();
  return send();
};

/** The driver, deaf to all hand-overs. */
export function deaf(driver: LockDriver): LockDriver {
  return {
    ...behind((send) => send(), driver),
    onWake: (listener) => {
      driver.onWake((wake) => {
        if (wake.kind !== 'granted') listener(wake);
      });
    },
  };
}
