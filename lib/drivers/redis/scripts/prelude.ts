/**
 * What every script begins with, and the constants of all of them. A lonely call takes Redis some
 * ten microseconds, so here every local variable counts: constants are put in as they are.
 */
export interface ScriptSettings {
  /** How long an ending is remembered. */
  readonly keepEndingsMs: number;
  /** How the channel of a process begins. */
  readonly channels: string;
  /** Whether the count that PUBLISH returns can be believed; on a cluster it cannot. */
  readonly countsListeners: boolean;
}

export function constants(settings: ScriptSettings): Readonly<Record<string, string>> {
  return {
    ...{ KEEP_MS: String(settings.keepEndingsMs), CHANNELS: luaText(settings.channels) },
    COUNTS_LISTENERS: String(settings.countsListeners),
    ...{ CLAIM_MS: '2000', TICKET_MS: '5000', REFRESH_MS: '2000' },
    // A watch lasts a little longer than the watcher is told to come back after.
    ...{ LOOK_AGAIN_MS: '5000', WATCH_MS: '7000' },
    // ENDED is FREE, written the short way: the ending is in the fields of the hold that ended.
    ...{ FREE: '0', HELD: '1', CLAIMED: '2', RESTING: '3', ENDED: '4' },
    ...{ EXPIRED: '1', RELEASED: '2', FAILED: '3', FORCED: '4' },
    // Marks: somebody may stand in the line; somebody may watch.
    ...{ LINE: '1', WATCHED: '2' },
    // Phase, marks, token of the ending (ENDED alone), owner, first token and size of the latest
    // block, granted or handed over at, runs out at, the key lives until (in ms), ending, note. The
    // ending is the one that was told to the holder (HELD), else the one that the next is told.
    STATE: "'<BBdHc0dHdddI4c0Hc0'",
    HEAD: "'<BBdHc0dHddd'",
    // How, token, owner, and the error as JSON.
    ENDING: "'<BdHc0I4c0'",
  };
}

export const PRELUDE = `
-- KEYS[1]  what the keys of the bucket's names begin with.
-- KEYS[2]  the bucket's clock: the highest time seen.
-- KEYS[3…] on a cluster the keys of the names asked for. Never read as such: they make a slot that
--          is just being moved answer ASK or TRYAGAIN, and not as if nobody held the name.
-- ARGV     the requests, packed one after the other as one argument; or the fields of a single
--          request as an argument each. Each script says which fields.
-- Returns  one string: the answers, packed one after the other.
-- Atomic because Redis runs nothing else beside a script.
local call, pack, read = redis.call, struct.pack, struct.unpack
local locks = KEYS[1]
local time = call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = micros / 1000
`;

function luaText(text: string): string {
  return `'${text.replace(/[\\'\n\r\0]/g, (char) => `\\${char.charCodeAt(0)}`)}'`;
}
