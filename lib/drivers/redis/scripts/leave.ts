/** The `leave` and the `forceRelease` of the contract: both end what is there, and hand over. */
export const LEAVE_MACHINE = `
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
`;

export const LEAVE = `
-- leave: gives the owner's ticket up, and hands on what it holds or claims, with the ending that
-- was
--        meant for it.
-- In:  name, owner.
-- Out: 1 done, 255 failed: why
local made = machine(locks, micros, now)
return made.answer_each('<Bc0Hc0', made.leave)
`;

export const FORCE_MACHINE = `
local function force(name)
  local s = load(name)
  if s.phase == FREE then return '\\0' end
  s.ending = ending_of(FORCED, s.token, s.owner, '')
  hand_over(s)
  save_always(s)
  return '\\1'
end
`;

export const FORCE = `
-- force: ends whatever has the name, and hands over.
-- In:  name.
-- Out: 1 ended, 0 nothing to end, 255 failed: why
local made = machine(locks, micros, now)
return made.answer_each('<Bc0', made.force)
`;
