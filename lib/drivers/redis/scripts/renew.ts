/** The `renew` of the contract. */
export const RENEW_MACHINE = `
local function renew_any(name, owner, ttl, at_most, writes, note, raw)
  local s = load(name, raw)
  if s.phase ~= HELD or s.owner ~= owner then return '\\0' end
  s.ends = min(now + ttl, s.since + at_most)
  if writes == 1 then s.note = note end
  save_always(s)
  return '\\1'
end
`;

export const RENEW = `
-- renew: prolongs what is still its owner's and alive.
-- In:  name, owner, ttl, at most (ms; infinite for none), 1 to write the note, note.
-- Out: 1 prolonged, 0 not ours any more, 255 failed: why
local made

-- The short way: the eight bytes of the lease's end are written in place.
local function renew(name, owner, ttl, at_most, writes, note)
  local key = locks .. name
  local raw = call('GET', key)
  if not raw then return '\\0' end
  local phase, _, _, holder, _, _, since, ends, keep = read(HEAD, raw)
  if phase ~= HELD or holder ~= owner or ends <= now then return '\\0' end
  ends = math.min(now + ttl, since + at_most)
  if writes == 0 and keep >= ends + KEEP_MS then
    local done = redis.pcall('SETRANGE', key, 30 + #owner, pack('<d', ends))
    if type(done) == 'number' then return '\\1' end
  end
  made = made or machine(locks, micros, now)
  return made.renew(name, owner, ttl, at_most, writes, note, raw)
end

local requests, at, answers, n = ARGV[1], 1, {}, 0
while at <= #requests do
  local name, owner, ttl, at_most, writes, note, next_at = read('<Bc0Hc0ddBHc0', requests, at)
  local ok, answer = pcall(renew, name, owner, ttl, at_most, writes, note)
  if not ok then
    made = made or machine(locks, micros, now)
    answer = made.failed(answer)
  end
  at, n = next_at, n + 1
  answers[n] = answer
end
return table.concat(answers)
`;
