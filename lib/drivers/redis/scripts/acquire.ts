/** The `acquire` of the contract; also sourced by the script of `release`, for `rejoin`. */
export const ACQUIRE_FUNCTIONS = `
-- No token is granted below the store's time, and no time below the highest that was seen
-- (KEYS[1]), so that a clock put back lowers no token of a name that is forgotten. The mark is
-- written a second ahead, which makes it one write a second.
local floor, behind
local function see_clock()
  local mark = tonumber(call('GET', KEYS[1]) or 0)
  behind = micros < mark - 1000000
  floor = behind and mark + 1 or micros
  if micros > mark then call('SET', KEYS[1], string.format('%.0f', micros + 1000000)) end
end

local function next_token(highest, block)
  local token = max(highest + 1, floor)
  if behind then
    floor = token + block
    call('SET', KEYS[1], string.format('%.0f', floor))
  end
  return token
end

local function granted(token, block, ending)
  return pack('<BdHI4c0', 2, token, block, #ending, ending)
end

local function refused(s, owner, live)
  local held = s.phase ~= FREE
  local remaining = held and ceil(s.ends - now) or 0
  local ahead = s.line and call('ZRANK', base .. 'line:' .. s.name, owner) or live
  local event = REFRESH_MS
  if not held then
    local first = call('ZRANGE', base .. 'line:' .. s.name, 0, 0)[1]
    event = first and call('ZSCORE', base .. 'tickets:' .. s.name, first) - now or 0
  elseif ahead == 0 then
    event = remaining
  end
  local who = held and s.owner or ''
  return pack('<BHc0dI4d', 3, #who, who, remaining, ahead, max(1, min(REFRESH_MS, ceil(event))))
end

local function acquire_any(name, owner, ttl, at_most, block, joins, note)
  local s = load(name)
  if s.phase == HELD and s.owner == owner then
    s.ends, s.note = min(now + ttl, s.since + at_most), note
    save(s)
    return granted(s.token, s.block, s.ending)
  end
  local live = live_tickets(s)
  local mine = s.phase == CLAIMED and s.owner == owner
  local first = s.phase == FREE
    and (live == 0 or call('ZRANGE', base .. 'line:' .. name, 0, 0)[1] == owner)
  if mine or first then
    live = live - drop_ticket(s, owner)
    s.line = live > 0
    s.token = next_token(s.token + s.block - 1, block)
    s.phase, s.owner, s.block, s.since, s.note = HELD, owner, block, now, note
    s.ends = now + min(ttl, at_most)
    save(s)
    return granted(s.token, block, s.ending)
  end
  if joins == 1 then
    local known = s.line and s.keep >= now + 2 * TICKET_MS
    join(s, owner)
    if not known or (s.watched and s.line_changed) then save(s) end
  end
  return refused(s, owner, live)
end

-- The common case on its own, without tables: the name is free, and nobody waits or watches.
local function acquire(name, owner, ttl, at_most, block, joins, note)
  if not floor then see_clock() end
  local key = locks .. name
  local raw = call('GET', key)
  local token, keep, ending = floor, 0, ''
  if raw then
    local phase, marks, _, last, first, size, _, ends, kept, told = unpack(STATE, raw)
    if marks ~= 0 or (phase ~= ENDED and phase ~= FREE) or behind then
      return acquire_any(name, owner, ttl, at_most, block, joins, note)
    end
    -- The bytes of an ENDED state from the third on are those of an ending from the second on.
    ending = phase == FREE and told
      or char(RELEASED) .. string.sub(raw, 3, 12 + #last) .. '\\0\\0\\0\\0'
    token, keep = max(first + size, floor), kept
  elseif behind then
    return acquire_any(name, owner, ttl, at_most, block, joins, note)
  end
  local ends = now + min(ttl, at_most)
  local fresh = keep < ends + keep_for
  if fresh then keep = ends + keep_for + keep_for / 8 end
  raw = pack(STATE, HELD, 0, 0, #owner, owner, token, block, now, ends, keep, #ending, ending,
    #note, note)
  if fresh then
    call('SET', key, raw, 'PX', ceil(keep - now))
  else
    call('SET', key, raw, 'KEEPTTL')
  end
  if token == micros and ending == '' then return '\\1' end
  return granted(token, block, ending)
end
`;

export const ACQUIRE = `
-- acquire: asks for the lease of each name.
-- In:  name, owner, ttl, at most (ms; infinite for none), size of the token block, 1 to join, note.
-- Out: 1 granted: the token is the store's time, nothing is known of a hold before
--      2 granted: token, size of the block, ending
--      3 refused: who has it, remaining ms, live tickets ahead, ask again in ms
--      255 failed: why
return answer_each('<Bc0Hc0ddHBHc0', acquire)
`;
