/** What can be seen of a name from outside: for `inspect`, `list` and `watch`. */
export const LOOK_MACHINE = `
local function look(name, s)
  local held, waiting = s.phase ~= FREE, 0
  if s.line then waiting = call('ZCOUNT', base .. 'tickets:' .. name, '(' .. now, '+inf') end
  local owner, note = held and s.owner or '', s.phase == HELD and s.note or ''
  local ending = s.phase == HELD and '' or s.ending
  return pack('<BBHc0dddI4Hc0I4c0', 1, s.phase, #owner, owner, s.token,
    held and now - s.since or 0, held and s.ends - now or 0, waiting, #note, note, #ending, ending)
end
`;

export const INSPECT_MACHINE = `
local function inspect(name)
  return look(name, load(name))
end
`;

export const INSPECT = `
-- inspect: reads what can be seen of each name; writes nothing.
-- In:  name.
-- Out: 1, phase, owner, token, held for ms, remaining ms, live tickets, note, ending; 255: why
--      it failed
local made = machine(locks, micros, now)
return made.answer_each('<Bc0', made.inspect)
`;

export const WATCH_MACHINE = `
local function watch(name, process)
  local s = load(name)
  local key = base .. 'watchers:' .. name
  call('ZADD', key, now + WATCH_MS, process)
  call('PEXPIRE', key, WATCH_MS)
  if not s.watched or s.keep < now + WATCH_MS then
    s.watched, s.was = true, looks(s)
    save(s)
  end
  local runs_out = s.phase ~= FREE and ceil(s.ends - now) or LOOK_AGAIN_MS
  return look(name, s) .. pack('<d', max(1, min(LOOK_AGAIN_MS, runs_out)))
end
`;

export const WATCH = `
-- watch: like inspect, and remembers for a while that a process wants to be told of changes.
-- In:  name, process.
-- Out: as of inspect, then when to look again, in ms.
local made = machine(locks, micros, now)
return made.answer_each('<Bc0Hc0', made.watch)
`;
