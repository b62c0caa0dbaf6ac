/** The other verbs of the contract: all of them one read and one write of the name's state. */
export const RENEW = `
-- renew: prolongs what is still its owner's and alive.
-- In:  name, owner, ttl, at most (ms; infinite for none), 1 to write the note, note.
-- Out: 1 prolonged, 0 not ours any more, 255 failed: why
local function renew_any(name, owner, ttl, at_most, writes, note)
  local s = load(name)
  if s.phase ~= HELD or s.owner ~= owner then return '\\0' end
  s.ends = min(now + ttl, s.since + at_most)
  if writes == 1 then s.note = note end
  save_always(s)
  return '\\1'
end

-- The common case on its own: the eight bytes of the lease's end are written in place.
local function renew(name, owner, ttl, at_most, writes, note)
  local raw = call('GET', locks .. name)
  if not raw then return '\\0' end
  local phase, _, _, holder, _, _, since, ends, keep = unpack(STATE, raw)
  if phase ~= HELD or holder ~= owner or ends <= now then return '\\0' end
  ends = min(now + ttl, since + at_most)
  if writes == 0 and keep >= ends + keep_for then
    local done = redis.pcall('SETRANGE', locks .. name, 30 + #owner, pack('<d', ends))
    if type(done) == 'number' then return '\\1' end
  end
  return renew_any(name, owner, ttl, at_most, writes, note)
end

return answer_each('<Bc0Hc0ddBHc0', renew)
`;

export const LEAVE = `
-- leave: gives the owner's ticket up, and hands on what it holds or claims, with the ending that
-- was
--        meant for it.
-- In:  name, owner.
-- Out: 1 done, 255 failed: why
local function leave(name, owner)
  local s = load(name)
  drop_ticket(s, owner)
  if s.owner == owner and (s.phase == HELD or s.phase == CLAIMED) then
    hand_over(s)
    save_always(s)
  elseif s.watched and s.line_changed then
    save_always(s)
  end
  return '\\1'
end

return answer_each('<Bc0Hc0', leave)
`;

export const FORCE = `
-- force: ends whatever has the name, and hands over.
-- In:  name.
-- Out: 1 ended, 0 nothing to end, 255 failed: why
local function force(name)
  local s = load(name)
  if s.phase == FREE then return '\\0' end
  s.ending = ending_of(FORCED, s.token, s.owner, '')
  hand_over(s)
  save_always(s)
  return '\\1'
end

return answer_each('<Bc0', force)
`;

/** For \`inspect\`, \`list\` and \`watch\`. */
const LOOK = `
local function look(name, s)
  local held, waiting = s.phase ~= FREE, 0
  if s.line then waiting = call('ZCOUNT', base .. 'tickets:' .. name, '(' .. now, '+inf') end
  local owner, note = held and s.owner or '', s.phase == HELD and s.note or ''
  local ending = s.phase == HELD and '' or s.ending
  return pack('<BBHc0dddI4Hc0I4c0', 1, s.phase, #owner, owner, s.token,
    held and now - s.since or 0, held and s.ends - now or 0, waiting, #note, note, #ending, ending)
end
`;

export const INSPECT = `
${LOOK}
-- inspect: reads what can be seen of each name; writes nothing.
-- In:  name.
-- Out: 1, phase, owner, token, held for ms, remaining ms, live tickets, note, ending; 255 failed:
-- why
local function inspect(name)
  return look(name, load(name))
end

return answer_each('<Bc0', inspect)
`;

export const WATCH = `
${LOOK}
-- watch: like inspect, and remembers for a while that a process wants to be told of changes.
-- In:  name, process.
-- Out: as of inspect, then when to look again, in ms.
local function watch(name, process)
  local s = load(name)
  local key = base .. 'watchers:' .. name
  call('ZADD', key, now + WATCH_MS + WATCH_GRACE_MS, process)
  call('PEXPIRE', key, WATCH_MS + WATCH_GRACE_MS)
  if not s.watched or s.keep < now + WATCH_MS + WATCH_GRACE_MS then
    s.watched, s.was = true, looks(s)
    save(s)
  end
  local runs_out = s.phase ~= FREE and ceil(s.ends - now) or WATCH_MS
  return look(name, s) .. pack('<d', max(1, min(WATCH_MS, runs_out)))
end

return answer_each('<Bc0Hc0', watch)
`;
