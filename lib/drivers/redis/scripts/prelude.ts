/**
 * The part that all scripts share: time, keys, how the state of a name is packed, the line, and the
 * hand-over. It is the machine of the contract once more, in Lua; the scripts are its verbs.
 *
 * A name has one key that is always there while anything is known of it, `lock:`, and three that
 * come and go: `line:` (owner by place), `tickets:` (owner by end of the ticket) and `watchers:`
 * (process by end of the watch). The marks in the first say whether the others have to be looked
 * at, so that a name that nobody waits for costs one read and one write.
 */
export const PRELUDE = `
-- KEYS[1]  the bucket's clock: the highest time seen. Its name less 'clock' begins all other keys,
-- so
--          that a key prefix set on the client, and the hash tag of a cluster, reach all of them.
-- KEYS[2…] on a cluster the lock: keys of the names asked for. Never read as such: they are there
-- so
--          that a slot that is just being moved answers ASK or TRYAGAIN, and not an empty lock.
-- ARGV[1]  the requests, packed one after the other; each script says how.
-- ARGV[2]  how long an ending is remembered, in ms.
-- ARGV[3]  how the channel of a process begins.
-- ARGV[4]  '1' if the count that PUBLISH returns can be believed (on a cluster it cannot).
-- Returns  one string: the store's time in µs, then the answers, packed one after the other.
-- Atomic because Redis runs nothing else beside a script.
local spread = unpack
local call, pack, unpack, char = redis.call, struct.pack, struct.unpack, string.char
local min, max, ceil = math.min, math.max, math.ceil

local base = string.sub(KEYS[1], 1, -6)
local locks = base .. 'lock:'
local keep_for = tonumber(ARGV[2])
local time = call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = micros / 1000

local CLAIM_MS, TICKET_MS, REFRESH_MS = 2000, 5000, 2000
-- A watch lasts a little longer than the watcher is told to come back after.
local WATCH_MS, WATCH_GRACE_MS = 5000, 2000
-- ENDED is FREE, written the short way: the ending is still in the fields of the hold that ended.
local FREE, HELD, CLAIMED, RESTING, ENDED = 0, 1, 2, 3, 4
local EXPIRED, RELEASED, FAILED, FORCED = 1, 2, 3, 4
-- Marks: somebody may stand in the line; somebody may watch.
local LINE, WATCHED = 1, 2

-- phase, marks, token of the ending (ENDED alone), owner, first token and size of the latest block,
-- granted or handed over at, runs out at, the key lives until (all in ms), ending, note.
-- The ending is the one that was told to the holder (HELD), else the one that the next is told.
local STATE = '<BBdHc0dHdddI4c0Hc0'
-- how, token, owner, and the error as JSON.
local ENDING = '<BdHc0I4c0'

local function ending_of(how, token, owner, failure)
  return pack(ENDING, how, token, #owner, owner, #failure, failure)
end

-- All of a state that its watchers are to know of, but for the length of the line.
local function looks(s)
  return s.phase .. ':' .. string.format('%.0f', s.token) .. ':' .. s.owner .. '\\n' .. s.note
end

-- The state of a name as a table, with what time alone has done to it already done.
local function load(name)
  local raw = call('GET', locks .. name)
  if not raw then
    return { name = name, phase = FREE, line = false, watched = false, owner = '', token = 0,
      block = 0, since = 0, ends = 0, keep = 0, ending = '', note = '' }
  end
  local phase, marks, ended, owner, token, block, since, ends, keep, ending, note =
    unpack(STATE, raw)
  local s = { name = name, phase = phase, line = marks % 2 == 1, watched = marks >= WATCHED,
    owner = owner, token = token, block = block, since = since, ends = ends, keep = keep,
    ending = ending, note = note }
  if s.watched then s.was = looks(s) end
  if phase == ENDED then
    s.phase, s.ending = FREE, ending_of(RELEASED, ended, owner, '')
  elseif phase ~= FREE and ends <= now then
    -- A claim that ran out never was a hold: the ending goes on waiting. So it does after a rest.
    if phase == HELD then s.ending = ending_of(EXPIRED, token, owner, '') end
    s.phase = FREE
  end
  return s
end

local function channel_of(process)
  return ARGV[3] .. process
end

-- Tells whoever watches, if what can be seen of the name has changed.
local function tell_watchers(s)
  if s.was == looks(s) and not s.line_changed then return end
  local key = base .. 'watchers:' .. s.name
  call('ZREMRANGEBYSCORE', key, '-inf', now)
  local watchers = call('ZRANGE', key, 0, -1)
  for _, process in ipairs(watchers) do
    call('PUBLISH', channel_of(process), 'c' .. s.name)
  end
  if #watchers == 0 then s.watched = false end
end

-- Writes the state back. The key outlives the lease by the memory of its ending, and an eighth, so
-- that the next writes need not touch its end of life, which is the dearest part of a SET.
local function save(s)
  if s.phase == FREE then s.owner, s.note = '', '' end
  if s.watched then tell_watchers(s) end
  local lives = (s.phase == FREE and now or max(now, s.ends)) + keep_for
  local marks = (s.line and LINE or 0) + (s.watched and WATCHED or 0)
  if marks ~= 0 then lives = max(lives, now + 2 * TICKET_MS) end
  local fresh = s.keep < lives
  if fresh then s.keep = lives + keep_for / 8 end
  local raw = pack(STATE, s.phase, marks, 0, #s.owner, s.owner, s.token, s.block, s.since, s.ends,
    s.keep, #s.ending, s.ending, #s.note, s.note)
  if fresh then
    call('SET', locks .. s.name, raw, 'PX', ceil(s.keep - now))
  else
    call('SET', locks .. s.name, raw, 'KEEPTTL')
  end
end

-- The same for those who give up: it is done even where Redis has no memory left. It refuses a
-- first write that could take some, but after one that takes none, such as DEL, it refuses nothing.
local function save_always(s)
  local ok, failure = pcall(save, s)
  if ok then return end
  local text = type(failure) == 'table' and failure.err or failure
  if not string.find(text, 'OOM', 1, true) then error(text, 0) end
  call('DEL', locks .. s.name)
  s.keep = 0
  save(s)
end

-- The number of live tickets, the dead ones dropped.
local function live_tickets(s)
  if not s.line then return 0 end
  local line, tickets = base .. 'line:' .. s.name, base .. 'tickets:' .. s.name
  local dead = call('ZRANGEBYSCORE', tickets, '-inf', now, 'LIMIT', 0, 1000)
  while #dead > 0 do
    call('ZREM', line, spread(dead))
    call('ZREM', tickets, spread(dead))
    s.line_changed = true
    dead = call('ZRANGEBYSCORE', tickets, '-inf', now, 'LIMIT', 0, 1000)
  end
  return call('ZCARD', tickets)
end

-- Returns how many tickets it dropped: 1 or 0.
local function drop_ticket(s, owner)
  if not s.line then return 0 end
  call('ZREM', base .. 'line:' .. s.name, owner)
  local dropped = call('ZREM', base .. 'tickets:' .. s.name, owner)
  if dropped == 1 then s.line_changed = true end
  return dropped
end

-- Gives the owner a place at the end of the line, if it has none, and prolongs its ticket.
local function join(s, owner)
  local line, tickets = base .. 'line:' .. s.name, base .. 'tickets:' .. s.name
  if call('ZADD', tickets, now + TICKET_MS, owner) == 1 then
    local last = call('ZREVRANGE', line, 0, 0, 'WITHSCORES')
    call('ZADD', line, (last[2] or 0) + 1, owner)
    s.line_changed = true
  end
  call('PEXPIRE', line, TICKET_MS)
  call('PEXPIRE', tickets, TICKET_MS)
  s.line = true
end

-- The lease goes to the first of the line whose process listens; those passed over lose their
-- ticket.
local function hand_over(s)
  s.phase = FREE
  local left = live_tickets(s)
  while left > 0 do
    local owner = call('ZPOPMIN', base .. 'line:' .. s.name)[1]
    call('ZREM', base .. 'tickets:' .. s.name, owner)
    left = left - 1
    s.line_changed = true
    local heard = call('PUBLISH', channel_of(string.match(owner, '^(.*):')), 'g' .. owner)
    if heard > 0 or ARGV[4] ~= '1' then
      s.phase, s.owner, s.since, s.ends, s.note = CLAIMED, owner, now, now + CLAIM_MS, ''
      break
    end
  end
  s.line = left > 0
end

-- Runs one request so that its failure (a key of another kind, no memory) is its own alone.
local function guarded(run, ...)
  local ok, answer = pcall(run, ...)
  if ok then return answer end
  local text = tostring(type(answer) == 'table' and answer.err or answer)
  return pack('<BHc0', 255, #text, text)
end

-- Answers all requests: unpacks each, and gives its fields to the verb.
local function answer_each(layout, run)
  local requests, at, answers, n = ARGV[1], 1, { pack('<d', micros) }, 1
  local function answer_one(...)
    at = select(select('#', ...), ...)
    return guarded(run, ...)
  end
  while at <= #requests do
    n = n + 1
    answers[n] = answer_one(unpack(layout, requests, at))
  end
  return table.concat(answers)
end
`;
