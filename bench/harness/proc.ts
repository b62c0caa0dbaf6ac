/** Processor time of other processes, as Linux tells it. `null` on a system that does not. */
import { readFileSync, readdirSync } from 'node:fs';

/** The kernel counts in hundredths of a second, whatever the machine. */
const TICK_MS = 10;

interface Stat {
  readonly parent: number;
  /** User and system time of the process itself. */
  readonly ownMs: number;
  /** The same of its children that have ended. */
  readonly endedMs: number;
}

export function cpuOfProcessMs(pid: number | null): number | null {
  return (pid === null ? null : stat(pid))?.ownMs ?? null;
}

/** A process with all its children, dead or alive: PostgreSQL has one for each connection. */
export function cpuOfFamilyMs(pid: number | null): number | null {
  const head = pid === null ? null : stat(pid);
  if (head === null) return null;
  let sum = head.ownMs + head.endedMs;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const child = stat(Number(entry));
    if (child?.parent === pid) sum += child.ownMs;
  }
  return sum;
}

function stat(pid: number): Stat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // Gone meanwhile, or not Linux.
    return null;
  }
  // The name in the second field may contain anything, but it ends with the last parenthesis.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
  return {
    parent: fields[1] ?? 0,
    ownMs: (user + system) * TICK_MS,
    endedMs: (endedUser + endedSystem) * TICK_MS,
  };
}
