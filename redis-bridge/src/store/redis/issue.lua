-- Gives entries of one space their numbers. Atomic, so that a value has one number and a number one value.
--
-- KEYS  1 the scope's counters
-- ARGV  1 kind  2 the server's run  3 TTL in ms  4 a number that was given already  5 how far to jump
--       6 1 when the server lost its writes lately, perhaps the counter itself
--       7 how many indexes an entry has  8 how sealed bytes are to begin; empty: in any way  9 1 to create nothing
--       10 the entries: a byte (1: kept, 0: not) and the indexes, 16 bytes each
-- Returns the numbers, 0 for none; the positions of the kept ones that have no sealed bytes, and of those whose sealed
-- bytes begin in another way; each joined by commas.
local counters = KEYS[1]
local kind, run, ttl, floor, jump = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local lossy, width = ARGV[6] == '1', tonumber(ARGV[7])
local mark, touch, entries = ARGV[8], ARGV[9] == '1', ARGV[10]
local scope = string.sub(counters, 1, -2)
local index, sealed = scope .. 'i:' .. kind .. ':', scope .. 't:' .. kind .. ':'
local call, sub = redis.call, string.sub

-- Only reads until it is known whether Redis must take new keys: a full one refuses them before the first write.
local firsts = {}
for at = 1, #entries, 1 + 16 * width do
  firsts[#firsts + 1] = index .. sub(entries, at + 1, at + 16)
end
local numbers = call('MGET', unpack(firsts))
-- Positions of values without a number; and what every position lacks: its number, or just its first key.
local new, lacks = {}, {}
for position, first in ipairs(firsts) do
  local at = 1 + (position - 1) * (1 + 16 * width)
  for other = 1, width - 1 do
    if numbers[position] then break end
    numbers[position] = call('GET', index .. sub(entries, at + 1 + 16 * other, at + 16 + 16 * other))
    lacks[position] = 'key'
  end
  if not numbers[position] and touch then
    numbers[position] = '0'
    lacks[position] = 'life'
  elseif not numbers[position] then
    new[#new + 1] = position
  end
end

if #new > 0 then
  local counter = call('HMGET', counters, 'n:' .. kind, 'r:' .. kind)
  local last = tonumber(counter[1] or 0)
  local lost, far = lossy, jump
  if counter[1] then
    lost = counter[2] ~= run
    -- The same process (its run_id has 40 digits) with another history: most likely a replica came. Not as far, so that
    -- when a failover loses this jump and what followed it, the next one still gets past them.
    if lost and sub(counter[2], 1, 40) == sub(run, 1, 40) then far = jump / 10 end
  end
  if last < floor then lost, far = true, jump end
  if lost then
    -- Writes may have been lost: numbers above `last` may have been given.
    last = math.max(last, floor) + far
  end
  -- First of all writes: what fails after it costs numbers, not their uniqueness.
  call('HSET', counters, 'n:' .. kind, string.format('%d', last + #new), 'r:' .. kind, run)
  for count, position in ipairs(new) do
    numbers[position] = string.format('%d', last + count)
    lacks[position] = 'number'
  end
end

local unsealed, stale = {}, {}
for position, number in ipairs(numbers) do
  local at = 1 + (position - 1) * (1 + 16 * width)
  local lack, bytes = lacks[position], sealed .. number
  if lack == 'key' or lack == 'number' then
    call('SET', firsts[position], number, 'PX', ttl)
  elseif not lack then
    call('PEXPIRE', firsts[position], ttl)
  end
  if lack ~= 'life' and sub(entries, at, at) == '1' then
    if lack == 'number' or call('PEXPIRE', bytes, ttl) == 0 then
      if not touch then unsealed[#unsealed + 1] = position - 1 end
    elseif #mark > 0 and call('GETRANGE', bytes, 0, #mark - 1) ~= mark then
      stale[#stale + 1] = position - 1
    end
  end
end

-- The counters outlive every number: those that were used just now, too.
local left = call('PTTL', counters)
if left ~= -2 and left < 2 * ttl then call('PEXPIRE', counters, 3 * ttl) end

return { table.concat(numbers, ','), table.concat(unsealed, ','), table.concat(stale, ',') }
