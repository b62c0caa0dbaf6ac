/** The `release` of the contract, with its `rejoin`. */
export const RELEASE_MACHINE = `
local function release_any(name, owner, token, at_least, failure, raw)
  local s = load(name, raw)
  if s.phase ~= HELD or s.owner ~= owner then return '\\0' end
  s.ending = ending_of(failure == '' and RELEASED or FAILED, token, owner, failure)
  if s.since + at_least > now then
    s.phase, s.ends = RESTING, s.since + at_least
  else
    hand_over(s)
  end
  save_always(s)
  return '\\1'
end
`;

/**
 * The short way: ours, alive, no error, no rest, nobody waits or watches. The first ten bytes of
 * the state make it ENDED, in place.
 */
const STEP = `
  local key = locks .. name
  local raw = call('GET', key)
  if not raw then return '\\0' end
  local phase, marks, _, holder, _, _, since, ends, keep = read(HEAD, raw)
  if phase ~= HELD or holder ~= owner or ends <= now then return '\\0' end
  if marks == 0 and failure == '' and since + at_least <= now and keep >= now + KEEP_MS then
    local done = redis.pcall('SETRANGE', key, '0', pack('<BBd', ENDED, 0, token))
    if type(done) == 'number' then return '\\1' end
  end
  made = made or machine(locks, micros, now)
  return made.release(name, owner, token, at_least, failure, raw)
`;

const HEADER = `
-- release: gives each lease back, writes down how the hold ended, and hands over.
-- In:  name, owner, token, at least (ms), error as JSON, then 0, or 1 and a rejoin:
--      owner, ttl, at most, size of the token block, 1 to join, note. One that travels alone has
--      no rejoin.
-- Out: 1 released, 0 not ours; then the answer to the rejoin, as of acquire, if there was one.
--      255 failed: why
local made
`;

export const RELEASE_ONE = `${HEADER}
local name, owner, token, at_least, failure = unpack(ARGV)
token, at_least = token + 0, at_least + 0
${STEP}`;

export const RELEASE = `${HEADER}
local function release(name, owner, token, at_least, failure)
${STEP}
end

local requests, at, answers, n = ARGV[1], 1, {}, 0
while at <= #requests do
  local name, owner, token, at_least, failure, rejoins, next_at =
    read('<Bc0Hc0ddI4c0B', requests, at)
  local ok, answer = pcall(release, name, owner, token, at_least, failure)
  if not ok then
    made = made or machine(locks, micros, now)
    answer = made.failed(answer)
  end
  at, n = next_at, n + 1
  answers[n] = answer
  if rejoins == 1 then
    made = made or machine(locks, micros, now)
    local ttl, at_most, block, joins, note
    owner, ttl, at_most, block, joins, note, at = read('<Hc0ddHBHc0', requests, at)
    ok, answer = pcall(made.acquire, name, owner, ttl, at_most, block, joins, note)
    n = n + 1
    answers[n] = ok and answer or made.failed(answer)
  end
end
return table.concat(answers)
`;
