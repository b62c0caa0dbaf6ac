/**
 * Which locks the present call chain holds, so that a call does not wait for itself. It follows the
 * chain through every `await`, and ends with the body that it was begun for.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { HeldLock } from './held-lock.js';

/** The innermost lock first. */
interface Link {
  readonly lock: HeldLock;
  readonly outer: Link | undefined;
}

export class CallChain {
  readonly #links = new AsyncLocalStorage<Link | undefined>();

  /** The lock of that name, if this very call chain holds it; else `null`. */
  find(name: string): HeldLock | null {
    for (let link = this.#links.getStore(); link !== undefined; link = link.outer) {
      if (link.lock.name === name && link.lock.held) return link.lock;
    }
    return null;
  }

  /** Follows no chain any more. Node goes through all that do at every promise that is made. */
  end(): void {
    this.#links.disable();
  }

  /** Runs the body, and all that it calls, as the holder of these locks. */
  run<L, T>(locks: readonly HeldLock[], body: (lock: L) => T, argument: L): T {
    let link = this.#links.getStore();
    for (const lock of locks) link = { lock, outer: link };
    return this.#links.run(link, body, argument);
  }
}
