/** The scripts whole, as they are sent: what all of them share, and one verb each. */
import { createHash } from 'node:crypto';
import { ACQUIRE, ACQUIRE_MACHINE, ACQUIRE_ONE } from './acquire.js';
import { INSPECT, INSPECT_MACHINE, LOOK_MACHINE, WATCH, WATCH_MACHINE } from './inspect.js';
import { FORCE, FORCE_MACHINE, LEAVE, LEAVE_MACHINE } from './leave.js';
import { MACHINE } from './machine.js';
import { constants, PRELUDE, type ScriptSettings } from './prelude.js';
import { RELEASE, RELEASE_MACHINE, RELEASE_ONE } from './release.js';
import { RENEW, RENEW_MACHINE } from './renew.js';

export type { ScriptSettings } from './prelude.js';

export interface Script {
  readonly source: string;
  /** What EVALSHA calls it by. */
  readonly sha: string;
}

/** The scripts of a verb: for any number of requests, packed, and for one that travels alone. */
export interface Scripts {
  readonly many: Script;
  /** Takes the fields of one request as its arguments; `null`: alone they travel packed, too. */
  readonly one: Script | null;
}

interface Parts {
  readonly verb: string;
  readonly one?: string;
  /** What the verb needs of the machine beyond what all share. */
  readonly machine: readonly string[];
  /** By which name → which function of the machine the verb calls. */
  readonly calls: Readonly<Record<string, string>>;
}

const PARTS = {
  acquire: {
    verb: ACQUIRE,
    one: ACQUIRE_ONE,
    machine: [ACQUIRE_MACHINE],
    calls: { acquire: 'acquire_any' },
  },
  release: {
    verb: RELEASE,
    one: RELEASE_ONE,
    machine: [ACQUIRE_MACHINE, RELEASE_MACHINE],
    calls: { acquire: 'acquire_any', release: 'release_any' },
  },
  renew: { verb: RENEW, machine: [RENEW_MACHINE], calls: { renew: 'renew_any' } },
  leave: { verb: LEAVE, machine: [LEAVE_MACHINE], calls: { leave: 'leave' } },
  force: { verb: FORCE, machine: [FORCE_MACHINE], calls: { force: 'force' } },
  inspect: {
    verb: INSPECT,
    machine: [LOOK_MACHINE, INSPECT_MACHINE],
    calls: { inspect: 'inspect' },
  },
  watch: { verb: WATCH, machine: [LOOK_MACHINE, WATCH_MACHINE], calls: { watch: 'watch' } },
} satisfies Readonly<Record<string, Parts>>;

export type ScriptName = keyof typeof PARTS;

export function makeScripts(name: ScriptName, settings: ScriptSettings): Scripts {
  const { verb, one, machine, calls }: Parts = PARTS[name];
  const made = Object.entries({ ...calls, answer_each: 'answer_each', failed: 'failed' })
    .map(([as, which]) => `${as} = ${which}`)
    .join(', ');
  const shared = `${PRELUDE}
local function machine(locks, micros, now)
${MACHINE}${machine.join('')}
return { ${made} }
end
`;
  const values = constants(settings);
  return {
    many: script(shared + verb, values),
    one: one === undefined ? null : script(shared + one, values),
  };
}

function script(text: string, values: Readonly<Record<string, string>>): Script {
  const source = text.replace(/\b[A-Z][A-Z_]+\b/g, (word) => values[word] ?? word);
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}
