/**
 * The machine of the contract in Lua: the state of a name as a table, the line, the hand-over. It
 * is one function that a script calls when it first meets a name that it cannot serve the short
 * way: most calls never do, and making these functions takes longer than they take. For the same
 * reason it is handed what it needs, and closes over nothing.
 *
 * A name has one key that is always there while anything is known of it, `lock:`, and three that
 * come and go: `line:` (owner by place), `tickets:` (owner by end of the ticket) and `watchers:`
 * (process by end of the watch). The marks in the first say whether the others have to be looked
 * at, so that a name that nobody waits for costs one read and one write.
 */
export const MACHINE = `
local call, pack, read = redis.call, struct.pack, struct.unpack
local min, max, ceil = math.min, math.max, math.ceil
local base = string.sub(locks, 1, -6)

local function ending_of(how, token, owner, failure)
  return pack(ENDING, how, token, #owner, owner, #failure, failure)
end

-- All of a state that its watchers are to know of, but for the length of the line.
local function looks(s)
  return s.phase .. ':' .. string.format('%.0f', s.token) .. ':' .. s.owner .. '\\n' .. s.note
end

-- The state of a name as a table, with what time alone has done to it already done. Whoever has
-- read it just now hands it in.
local function load(name, raw)
  raw = raw or call('GET', locks .. name)
  if not raw then
    return { name = name, phase = FREE, line = false, watched = false, owner = '', token = 0,
      block = 0, since = 0, ends = 0, keep = 0, ending = '', note = '' }
  end
  local phase, marks, ended, owner, token, block, since, ends, keep, ending, note =
    read(STATE, raw)
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

-- Tells whoever watches, if what can be seen of the name has changed.
local function tell_watchers(s)
  if s.was == looks(s) and not s.line_changed then return end
  local key = base .. 'watchers:' .. s.name
  call('ZREMRANGEBYSCORE', key, '-inf', now)
  local watchers = call('ZRANGE', key, 0, -1)
  for _, process in ipairs(watchers) do
    call('PUBLISH', CHANNELS .. process, 'c' .. s.name)
  end
  if #watchers == 0 then s.watched = false end
end

-- Writes the state back. The key outlives the lease by the memory of its ending, and an eighth, so
-- that the next writes need not touch its end of life, which is the dearest part of a SET.
local function save(s)
  if s.phase == FREE then s.owner, s.note = '', '' end
  if s.watched then tell_watchers(s) end
  local lives = (s.phase == FREE and now or max(now, s.ends)) + KEEP_MS
  local marks = (s.line and LINE or 0) + (s.watched and WATCHED or 0)
  if marks ~= 0 then lives = max(lives, now + 2 * TICKET_MS) end
  local fresh = s.keep < lives
  if fresh then s.keep = lives + KEEP_MS / 8 end
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
    call('ZREM', line, unpack(dead))
    call('ZREM', tickets, unpack(dead))
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

-- Gives the owner a place at the end of the line, if it has none, and prolongs its ticket. Returns
-- whether it is new.
local function join(s, owner)
  local line, tickets = base .. 'line:' .. s.name, base .. 'tickets:' .. s.name
  local new = call('ZADD', tickets, now + TICKET_MS, owner) == 1
  if new then
    local last = call('ZREVRANGE', line, 0, 0, 'WITHSCORES')
    call('ZADD', line, (last[2] or 0) + 1, owner)
    s.line_changed = true
  end
  call('PEXPIRE', line, TICKET_MS)
  call('PEXPIRE', tickets, TICKET_MS)
  s.line = true
  return new
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
    local heard = call('PUBLISH', CHANNELS .. string.match(owner, '^(.*):'), 'g' .. owner)
    if heard > 0 or not COUNTS_LISTENERS then
      s.phase, s.owner, s.since, s.ends, s.note = CLAIMED, owner, now, now + CLAIM_MS, ''
      break
    end
  end
  s.line = left > 0
end

`;

/** For scripts that take many requests: one that fails does not fail the others. */
export const ANSWERS = `
-- What is answered to one request that failed alone: a key of another kind, no memory left.
local function failed(why)
  local text = tostring(type(why) == 'table' and why.err or why)
  return pack('<BHc0', 255, #text, text)
end

-- Answers all requests: unpacks each, and gives its fields to the verb.
local function answer_each(layout, run)
  local requests, at, answers = ARGV[1], 1, {}
  local function answer_one(...)
    at = select(select('#', ...), ...)
    local ok, answer = pcall(run, ...)
    return ok and answer or failed(answer)
  end
  while at <= #requests do
    answers[#answers + 1] = answer_one(read(layout, requests, at))
  end
  return table.concat(answers)
end
`;
