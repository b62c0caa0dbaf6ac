/**
 * Which contenders run which variants: the options, the scenarios' stores, and what is installed.
 */
import { createRequire } from 'node:module';
import { contendersOn } from '../adapters/index.js';
import { scenarios } from '../scenarios/index.js';
import type { Options } from '../options.js';
import type { Contender, Scenario, StoreKind, Variant } from './contract.js';

const STORES: readonly StoreKind[] = ['redis', 'postgres', 'mariadb', 'sqlite', 'memory'];

/** One table: a variant on a store, and who takes part. */
export interface Table {
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly store: StoreKind;
  readonly contenders: readonly Contender[];
}

export async function plan(options: Options): Promise<Table[]> {
  const all = new Map<StoreKind, readonly Contender[]>();
  for (const store of STORES) all.set(store, await contendersOn(store));
  return scenarios.flatMap((scenario) =>
    scenario.stores
      .filter((store) => options.stores.length === 0 || options.stores.includes(store))
      .flatMap((store) =>
        scenario.variants
          .filter((variant) => variant.stores === undefined || variant.stores.includes(store))
          .filter((variant) => isWanted(options.scenarios, scenario.id, variant.id))
          // In the smoke run, what differs in numbers alone need not run twice.
          .filter((variant, index) => !options.smoke || index === 0 || variant.smokeAlso === true)
          .map((variant) => ({
            scenario,
            variant,
            store,
            contenders: (all.get(store) ?? []).filter((contender) =>
              takesPart(options, scenario, contender),
            ),
          })),
      )
      .filter((table) => table.contenders.length > 0),
  );
}

function isWanted(wanted: readonly string[], scenario: string, variant: string): boolean {
  return (
    wanted.length === 0 ||
    wanted.some((id) => id === `${scenario}/${variant}` || scenario.startsWith(id))
  );
}

function takesPart({ smoke, peers }: Options, scenario: Scenario, contender: Contender): boolean {
  if (contender.cannot?.[scenario.id] !== undefined) return false;
  if (scenario.accepts?.(contender) === false) return false;
  if (smoke && contender.kind === 'peer') return false;
  const { kind, id } = contender;
  return peers.length === 0 || peers.some((peer) => peer === kind || id.startsWith(peer));
}

const require = createRequire(import.meta.url);

/** The installed version of a package, or `null`. */
export function versionOf(name: string): string | null {
  // Its package.json need not be exported, so it is looked for where the package would be.
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return (require(`${folder}/${name}/package.json`) as { version: string }).version;
    } catch {
      continue;
    }
  }
  return null;
}
