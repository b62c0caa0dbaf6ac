/** advisory-lock: a new connection and a session lock for every acquisition. It has no settings. */
import type { Contender } from '../harness/contract.js';
import { fromHold } from './from-hold.js';
import { load } from './load.js';

interface Mutex {
  lock(): Promise<() => Promise<void>>;
  withLock(body: () => Promise<void>): Promise<void>;
}
type AdvisoryLock = (url: string) => (name: string) => Mutex;

export const advisoryLock: Contender = {
  id: 'advisory-lock',
  title: 'advisory-lock',
  kind: 'peer',
  store: 'postgres',
  settings: 'default',
  packages: ['advisory-lock', 'pg'],
  cannot: { renewing: 'session locks are not renewed, and 10,000 would need as many connections' },
  async make({ url }) {
    const module = await load<{
      default: AdvisoryLock | { default: AdvisoryLock };
    }>('advisory-lock');
    const create = typeof module.default === 'function' ? module.default : module.default.default;
    const mutexOf = create(url);
    return fromHold({
      hold: (name) => mutexOf(name).lock(),
      withLock: (name, body) => mutexOf(name).withLock(body),
      async close() {},
    });
  },
};
