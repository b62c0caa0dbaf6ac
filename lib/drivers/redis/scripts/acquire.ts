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
`;

/**
 * The short way: nothing is known of the name, or its last hold ended well, and nobody waits or
 * watches. A chunk of Lua that ends with `return`, as the body of a function or of a whole script.
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

  local phase, last, first, size, kept, _
  if raw then
    phase, _, _, last, first, size, _, _, kept = read(HEAD, raw)
  end
  if phase ~= ENDED or behind then
    made = made or machine(locks, micros, now)
    return made.acquire(name, owner, ttl, at_most, block, joins, note)
  end
  -- An ENDING that says RELEASED: from its second byte on it is what the STATE has from its third.
  local ending = '\\2' .. string.sub(raw, 3, 12 + #last) .. '\\0\\0\\0\\0'
  local token = first + size
  if token < micros then token = micros end
  if kept >= ends + KEEP_MS then
    call('SET', key, pack(STATE, HELD, 0, 0, #owner, owner, token, block, now, ends, kept, #ending,
      ending, #note, note), 'KEEPTTL')
  else
    call('SET', key, pack(STATE, HELD, 0, 0, #owner, owner, token, block, now, ends, keep, #ending,
      ending, #note, note), 'PX', string.format('%d', keep - now + 1))
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
