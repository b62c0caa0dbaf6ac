/** The scripts whole, as they are sent: each is the shared part and one verb. */
import { createHash } from 'node:crypto';
import { ACQUIRE, ACQUIRE_FUNCTIONS } from './acquire.js';
import { FORCE, INSPECT, LEAVE, RENEW, WATCH } from './others.js';
import { PRELUDE } from './prelude.js';
import { RELEASE } from './release.js';

export interface Script {
  readonly source: string;
  /** What EVALSHA calls it by. */
  readonly sha: string;
}

export const scripts = {
  acquire: script(ACQUIRE_FUNCTIONS, ACQUIRE),
  release: script(ACQUIRE_FUNCTIONS, RELEASE),
  renew: script(RENEW),
  leave: script(LEAVE),
  force: script(FORCE),
  inspect: script(INSPECT),
  watch: script(WATCH),
} as const;

function script(...parts: readonly string[]): Script {
  const source = [PRELUDE, ...parts].join('');
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}
