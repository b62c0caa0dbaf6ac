/**
 * A table's runs: all contenders one after the other, again and again, so that noise meets all
 * alike.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from './contract.js';
import type { Table } from './plan.js';
import { runOnce, type Outcome } from './run.js';
import { median } from './statistics.js';
import type { Store } from './stores.js';

export interface Row {
  readonly contender: Contender;
  readonly outcomes: readonly Outcome[];
  /** Medians of the rounds without a mark; empty when there was none. */
  readonly medians: Readonly<Record<string, number>>;
  readonly spread: Readonly<Record<string, readonly [number, number]>>;
  readonly marks: readonly string[];
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly smoke: boolean;
  readonly scale: number;
  readonly profile: string | null;
  readonly folder: string;
  say(text: string): void;
}

let runs = 0;

export async function runTable(table: Table, store: Store, options: RoundsOptions): Promise<Row[]> {
  const { scenario, variant } = table;
  const outcomes = new Map<Contender, Outcome[]>(table.contenders.map((each) => [each, []]));
  for (let round = 1; round <= options.rounds; round++) {
    for (const contender of table.contenders) {
      const outcome = await runOnce({
        scenario,
        variant,
        contender,
        store,
        smoke: options.smoke,
        scale: options.scale,
        witnessFile: join(options.folder, 'witness'),
        prefix: `run${++runs}:`,
        profile: profileFolder(options.profile, scenario.id, variant.id, contender.id),
      });
      outcomes.get(contender)?.push(outcome);
      const value = outcome.figures[scenario.key];
      const figure = value === undefined ? '–' : value.toLocaleString('en');
      const marks = outcome.marks.length === 0 ? '' : `  ✗ ${outcome.marks.join('; ')}`;
      options.say(`  ${round}/${options.rounds}  ${contender.id.padEnd(28)} ${figure}${marks}`);
    }
  }
  return [...outcomes].map(([contender, all]) => summary(contender, all));
}

function profileFolder(root: string | null, ...path: string[]): string | null {
  if (root === null) return null;
  const folder = join(root, ...path);
  mkdirSync(folder, { recursive: true });
  return folder;
}

function summary(contender: Contender, outcomes: readonly Outcome[]): Row {
  const clean = outcomes.filter(({ marks }) => marks.length === 0);
  const medians: Record<string, number> = {};
  const spread: Record<string, [number, number]> = {};
  for (const key of new Set(clean.flatMap(({ figures }) => Object.keys(figures)))) {
    const values = clean.flatMap(({ figures }) => figures[key] ?? []);
    medians[key] = median(values);
    spread[key] = [Math.min(...values), Math.max(...values)];
  }
  const marks = outcomes.flatMap((outcome, round) =>
    outcome.marks.map((mark) => `round ${round + 1}: ${mark}`),
  );
  return { contender, outcomes, medians, spread, marks };
}
