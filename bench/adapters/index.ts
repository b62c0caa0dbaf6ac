/** All contenders, by store, so that a process loads the clients of one store alone. */
import type { Contender, StoreKind } from '../harness/contract.js';

const LISTS: Readonly<
  Record<StoreKind, () => Promise<{ readonly contenders: readonly Contender[] }>>
> = {
  redis: () => import('./redis.js'),
  postgres: () => import('./postgres.js'),
  mariadb: () => import('./mariadb.js'),
  sqlite: () => import('./sqlite.js'),
  memory: () => import('./memory.js'),
};

export async function contendersOn(store: StoreKind): Promise<readonly Contender[]> {
  return (await LISTS[store]()).contenders;
}
