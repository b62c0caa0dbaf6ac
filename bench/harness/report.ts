/** The tables in Markdown, and everything in JSON. */
import { cpus, totalmem } from 'node:os';
import type { Column } from './contract.js';
import { versionOf, type Table } from './plan.js';
import type { Row } from './rounds.js';

export interface Finished {
  readonly table: Table;
  readonly storeVersion: string;
  readonly rows: readonly Row[];
}

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly rounds: number;
}

export function describeMachine(rounds: number): Machine {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    rounds,
  };
}

export function toJson(machine: Machine, finished: readonly Finished[]): string {
  const tables = finished.map(({ table, storeVersion, rows }) => ({
    scenario: table.scenario.id,
    variant: table.variant.id,
    store: storeVersion,
    params: table.variant.params,
    processes: table.variant.processes,
    rows: rows.map(({ contender, medians, spread, outcomes }) => ({
      contender: contender.id,
      kind: contender.kind,
      settings: contender.settings,
      versions: Object.fromEntries(contender.packages.map((name) => [name, versionOf(name)])),
      medians,
      spread,
      outcomes,
    })),
  }));
  return `${JSON.stringify({ machine, tables }, null, 2)}\n`;
}

export function toMarkdown(machine: Machine, finished: readonly Finished[]): string {
  const { date, cpu, cores, memoryGiB, system, node, rounds } = machine;
  const lines = [
    '# Results of `npm run bench`',
    '',
    `${date.slice(0, 16).replace('T', ' ')} UTC · ${cpu}, ${cores} cores, ${memoryGiB} GiB · ${system} · ` +
      `Node ${node} · ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, contenders in turn`,
    '',
    'Medians; in brackets the lowest and the highest round of the first column. **Bold**: this library. ' +
      '*Italics*: a bare limit, not a library. ✗: a caller failed, an update was lost or the run broke; ' +
      'such a round is not in the medians, and a row without a clean round has none.',
  ];
  let lastScenario = '';
  for (const { table, storeVersion, rows } of finished) {
    const { scenario, variant } = table;
    if (scenario.id !== lastScenario) lines.push('', `## ${scenario.title}`, '', scenario.explains);
    lastScenario = scenario.id;
    lines.push('', `### ${storeVersion} · ${variant.title}`, '', ...markdownTable(table, rows));
  }
  lines.push('', '## Versions', '', versions(finished), '');
  return lines.join('\n');
}

function markdownTable(table: Table, rows: readonly Row[]): string[] {
  const { columns, key } = table.scenario;
  const shown = columns.filter((column) =>
    rows.some(({ outcomes }) => outcomes.some(({ figures }) => figures[column.key] !== undefined)),
  );
  const keyColumn = columns.find((column) => column.key === key);
  const lines = [
    `| | settings | ${shown.map(({ title }) => title).join(' | ')} |`,
    `| --- | --- | ${shown.map(() => '---:').join(' | ')} |`,
  ];
  for (const row of rows) {
    const { contender, spread } = row;
    const cells = shown.map((column) => {
      const text = cell(row, column);
      const range = spread[key];
      return column === keyColumn && range !== undefined && row.outcomes.length > 1
        ? `${text} (${number(range[0], column.digits)}–${number(range[1], column.digits)})`
        : text;
    });
    lines.push(`| ${title(row)} | ${contender.settings} | ${cells.join(' | ')} |`);
  }
  const marked = rows.filter(({ marks }) => marks.length > 0);
  if (marked.length > 0) lines.push('');
  for (const { contender, marks } of marked) {
    lines.push(`- ✗ ${contender.title}: ${shortened(marks).join('; ')}`);
  }
  return lines;
}

function title({ contender, marks }: Row): string {
  const mark = marks.length > 0 ? ' ✗' : '';
  if (contender.kind === 'ours') return `**${contender.title}**${mark}`;
  return contender.kind === 'bare' ? `*${contender.title}*${mark}` : `${contender.title}${mark}`;
}

function cell({ medians }: Row, { key, digits }: Column): string {
  const value = medians[key];
  return value === undefined || Number.isNaN(value) ? '–' : number(value, digits);
}

function number(value: number, digits: number): string {
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** The same failure in every round is told once for each, but not more than a reader bears. */
function shortened(marks: readonly string[]): string[] {
  const most = 4;
  const few = marks.slice(0, most).map((mark) => mark.replaceAll('|', '/'));
  return marks.length > most ? [...few, `and ${marks.length - most} more`] : few;
}

function versions(finished: readonly Finished[]): string {
  const names = finished.flatMap(({ rows }) => rows.flatMap(({ contender }) => contender.packages));
  return [...new Set(names)]
    .sort()
    .map((name) => `${name} ${versionOf(name) ?? '?'}`)
    .join(' · ');
}
