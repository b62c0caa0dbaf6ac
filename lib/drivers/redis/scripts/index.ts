/** The scripts whole, as they are sent: what all of them share, and one verb each. */
import { createHash } from 'node:crypto';
import { ACQUIRE, ACQUIRE_MACHINE, ACQUIRE_ONE } from './acquire.js';
import { INSPECT, INSPECT_MACHINE, LOOK_MACHINE, WATCH, WATCH_MACHINE } from './inspect.js';
import { FORCE, FORCE_MACHINE, LEAVE, LEAVE_MACHINE } from './leave.js';
import { ANSWERS, MACHINE } from './machine.js';
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
  readonly text: string;
  /** What it needs of the machine beyond what all share. */
  readonly machine: readonly string[];
  /** By which name → which function of the machine it calls. */
  readonly calls: Readonly<Record<string, string>>;
}

const MANY = {
  acquire: { text: ACQUIRE, machine: [ACQUIRE_MACHINE], calls: { acquire: 'acquire_any' } },
  release: {
    text: RELEASE,
    machine: [ACQUIRE_MACHINE, RELEASE_MACHINE],
    calls: { acquire: 'acquire_any', release: 'release_any' },
  },
  renew: { text: RENEW, machine: [RENEW_MACHINE], calls: { renew: 'renew_any' } },
  leave: { text: LEAVE, machine: [LEAVE_MACHINE], calls: { leave: 'leave' } },
  force: { text: FORCE, machine: [FORCE_MACHINE], calls: { force: 'force' } },
  inspect: {
    text: INSPECT,
    machine: [LOOK_MACHINE, INSPECT_MACHINE],
    calls: { inspect: 'inspect' },
  },
  watch: { text: WATCH, machine: [LOOK_MACHINE, WATCH_MACHINE], calls: { watch: 'watch' } },
} satisfies Readonly<Record<string, Parts>>;

const ONE: Readonly<Record<string, Parts>> = {
  acquire: { text: ACQUIRE_ONE, machine: [ACQUIRE_MACHINE], calls: { acquire: 'acquire_any' } },
  release: { text: RELEASE_ONE, machine: [RELEASE_MACHINE], calls: { release: 'release_any' } },
};

export type ScriptName = keyof typeof MANY;

export function makeScripts(name: ScriptName, settings: ScriptSettings): Scripts {
  const values = constants(settings);
  const { text, machine, calls } = MANY[name];
  const one = ONE[name];
  return {
    many: script(
      {
        text,
        machine: [...machine, ANSWERS],
        calls: { ...calls, answer_each: 'answer_each', failed: 'failed' },
      },
      values,
    ),
    one: one === undefined ? null : script(one, values),
  };
}

function script(parts: Parts, values: Readonly<Record<string, string>>): Script {
  const made = Object.entries(parts.calls).map(([as, which]) => `${as} = ${which}`);
  const text = `${PRELUDE}
local function machine(locks, micros, now)
${MACHINE}${parts.machine.join('')}
return { ${made.join(', ')} }
end
${parts.text}`;
  const source = text.replace(/\b[A-Z][A-Z_]+\b/g, (word) => values[word] ?? word);
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}
