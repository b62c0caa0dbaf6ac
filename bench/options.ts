/** The command line of the bench. */
import { parseArgs } from 'node:util';

export interface Options {
  /** Ids, or beginnings of ids; empty: all. */
  readonly scenarios: readonly string[];
  readonly stores: readonly string[];
  readonly peers: readonly string[];
  readonly rounds: number;
  readonly smoke: boolean;
  /** How much longer or shorter than usual each run is. */
  readonly scale: number;
  /** A folder for CPU profiles of the processes that are measured. */
  readonly profile: string | null;
  /** Beginning of the names of the result files; `null`: do not write any. */
  readonly out: string | null;
}

export const HELP = `npm run bench [-- options]

  --scenario ID    only these scenarios (repeatable, or with commas); ID or ID/VARIANT
  --store KIND     only these stores: redis, postgres, mariadb, sqlite, memory
  --peer ID        only these contenders: an id or the beginning of one, "ours", "bare", "peer"
  --rounds N       rounds, one after the other over all contenders (3)
  --scale F        runs of F times the usual length (1)
  --smoke          every scenario in small, our library and the bare limits alone, no files written
  --profile DIR    write a CPU profile of every process that is measured
  --out NAME       name of the files under bench/results (the date)
`;

export function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string', multiple: true },
      store: { type: 'string', multiple: true },
      peer: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      scale: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      profile: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  const rounds = Number(values.rounds ?? (values.smoke ? 1 : 3));
  const scale = Number(values.scale ?? 1);
  if (!(scale > 0)) throw new Error('--scale must be a number above 0.');
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be at least 1.');
  return {
    scenarios: list(values.scenario),
    stores: list(values.store),
    peers: list(values.peer),
    rounds,
    smoke: values.smoke,
    scale,
    profile: values.profile ?? null,
    out: values.smoke ? null : (values.out ?? new Date().toISOString().slice(0, 10)),
  };
}

function list(values: readonly string[] = []): string[] {
  return values.flatMap((value) => value.split(',')).filter((value) => value !== '');
}
