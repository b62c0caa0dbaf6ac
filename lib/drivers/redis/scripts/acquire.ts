/** The `acquire` of the contract; its part of the machine also serves the `rejoin` of a release. */
export const ACQUIRE_MACHINE = `
-- No token is granted below the store's time, and none below the highest time that was seen, so
-- that a clock put back lowers no token of a name that is forgotten.
local floor, behind
local function next_token(highest, block)
  if not floor then
    local mark = tonumber(call('GET', KEYS[2]) or 0)
    behind = micros < mark - 1000000
    floor = behind and mark + 1 or micros
    if micros > mark then call('SET', KEYS[2], string.format('%.0f', micros + 1000000)) end
  end
  local token = max(highest + 1, floor)
  if behind then
    floor = token + block
    call('SET', KEYS[2], string.format('%.0f', floor))
  end
  return token
end

local function granted(token, block, ending)
  return pack('<BdHI4c0', 2, token, block, #ending, ending)
end

-- Whoever has just joined has all live tickets ahead; the place of others is looked up.
local function refused(s, owner, live, is_last)
  local held = s.phase ~= FREE
  local remaining = held and ceil(s.ends - now) or 0
  local ahead = s.line and not is_last and call('ZRANK', base .. 'line:' .. s.name, owner) or live
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

local function acquire_any(name, owner, ttl, at_most, block, joins, note, raw)
  local s = load(name, raw)
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
  local is_last = false
  if joins == 1 then
    local known = s.line and s.keep >= now + 2 * TICKET_MS
    is_last = join(s, owner)
    if not known or (s.watched and s.line_changed) then save(s) end
  end
  return refused(s, owner, live, is_last)
end
`;

/**
 * The short way: nothing is known of the name, or its last hold ended well and nobody waits, or it
 * was handed over to the owner; and nobody watches. A chunk of Lua that ends with `return`, as the
 * body of a function or of a whole script.
 */
const STEP = `
  local key = locks .. name
  local raw
  -- Where nothing is known of one name, likely nothing is of the next.
  if not mark then
    local both = call('MGET', key, KEYS[2])
    raw, mark = both[1], tonumber(both[2] or 0)
    new_names = not raw
    -- The mark is written a second ahead, which makes it one write a second.
    if micros > mark then call('SET', KEYS[2], string.format('%.0f', micros + 1000000)) end
  elseif not new_names then
    raw = call('GET', key)
    new_names = not raw
  end

  local ends = now + (at_most < ttl and at_most or ttl)
  -- Longer than it need be by an eighth, so that the next writes need not touch it: it is dear.
  local keep = ends + (KEEP_MS + KEEP_MS / 8)
  local behind = micros < mark - 1000000
  if new_names and not behind then
    if keep ~= lives then
      lives, lives_text = keep, string.format('%d', keep - now + 1)
    end
    local new = pack(STATE, HELD, 0, 0, #owner, owner, micros, block, now, ends, keep, 0, '',
      #note, note)
    if call('SET', key, new, 'NX', 'PX', lives_text) then
      first_grant = first_grant or pack('<Bd', 1, micros)
      return first_grant
    end
    raw = call('GET', key)
    new_names = false
  end

  local phase, marks, last, first, size, over, kept, ending, _
  if raw then
    phase, marks, _, last, first, size, _, over, kept, ending = read(STATE, raw)
  end
  if phase == ENDED and not behind then
    -- As an ENDING it says RELEASED; from its second byte on that is the STATE from its third.
    ending = '\\2' .. string.sub(raw, 3, 12 + #last) .. '\\0\\0\\0\\0'
  elseif phase ~= CLAIMED or last ~= owner or over <= now or marks >= WATCHED or behind then
    made = made or machine(locks, micros, now)
    return made.acquire(name, owner, ttl, at_most, block, joins, note, raw)
  end
  local token = first + size
  if token < micros then token = micros end
  local fresh = kept < ends + KEEP_MS
  if fresh then kept = keep end
  local new = pack(STATE, HELD, marks, 0, #owner, owner, token, block, now, ends, kept, #ending,
    ending, #note, note)
  if fresh then
    call('SET', key, new, 'PX', string.format('%d', keep - now + 1))
  else
    call('SET', key, new, 'KEEPTTL')
  end
  return pack('<BdHI4c0', 2, token, block, #ending, ending)
`;

const HEADER = `
-- acquire: asks for the lease of each name.
-- In:  name, owner, ttl, at most (ms; infinite for none), size of the token block, 1 to join, note.
-- Out: 1 granted, nothing is known of a hold before: token
--      2 granted: token, size of the block, ending
--      3 refused: who has it, remaining ms, live tickets ahead, ask again in ms
--      255 failed: why
local made, mark, new_names, lives, lives_text, first_grant
`;

export const ACQUIRE_ONE = `${HEADER}
local name, owner, ttl, at_most, block, joins, note = unpack(ARGV)
ttl, at_most, block, joins = ttl + 0, at_most + 0, block + 0, joins + 0
${STEP}`;

export const ACQUIRE = `${HEADER}
local function acquire(name, owner, ttl, at_most, block, joins, note)
${STEP}
end

local requests, at, answers, n = ARGV[1], 1, {}, 0
while at <= #requests do
  local name, owner, ttl, at_most, block, joins, note, next_at =
    read('<Bc0Hc0ddHBHc0', requests, at)
  local ok, answer = pcall(acquire, name, owner, ttl, at_most, block, joins, note)
  if not ok then
    made = made or machine(locks, micros, now)
    answer = made.failed(answer)
  end
  at, n = next_at, n + 1
  answers[n] = answer
end
return table.concat(answers)
`;
