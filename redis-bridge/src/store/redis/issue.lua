-- Gives entries of one space their numbers. Atomic, so that a value has one number and a number one value.
--
-- KEYS  1 the scope's counters
-- ARGV  1 kind  2 the server's run_id  3 TTL in ms  4 a number that was given already  5 how far to jump
--       6 how many indexes an entry has  7 the entries: a byte (1: kept, 0: not) and the indexes, 16 bytes each
-- Returns the numbers, and the positions of the kept ones that have no sealed bytes; both joined by commas.
local counters = KEYS[1]
local kind, run, ttl, floor, jump = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local width, entries = tonumber(ARGV[6]), ARGV[7]
local scope = string.sub(counters, 1, -2)
local index, sealed = scope .. 'i:' .. kind .. ':', scope .. 't:' .. kind .. ':'
local call, sub = redis.call, string.sub

local numbers, unsealed, new = {}, {}, {}
local position = 0
for at = 1, #entries, 1 + 16 * width do
  position = position + 1
  local first = index .. sub(entries, at + 1, at + 16)
  local keep = sub(entries, at, at) == '1'
  local number = call('GETEX', first, 'PX', ttl)
  for other = 1, width - 1 do
    if number then break end
    number = call('GET', index .. sub(entries, at + 1 + 16 * other, at + 16 + 16 * other))
    if number then call('SET', first, number, 'PX', ttl) end
  end
  numbers[position] = number
  if not number then
    new[#new + 1] = { position, first }
  end
  if keep and not (number and call('PEXPIRE', sealed .. number, ttl) == 1) then
    unsealed[#unsealed + 1] = position - 1
  end
end

if #new > 0 then
  local counter = call('HMGET', counters, 'n:' .. kind, 'r:' .. kind)
  local last = tonumber(counter[1] or 0)
  if last < floor or (counter[1] and counter[2] ~= run) then
    -- Writes may have been lost: numbers above `last` may have been given.
    last = math.max(last, floor) + jump
  end
  -- First of all writes: what fails after it costs numbers, not their uniqueness.
  call('HSET', counters, 'n:' .. kind, string.format('%d', last + #new), 'r:' .. kind, run)
  for count, entry in ipairs(new) do
    local number = string.format('%d', last + count)
    call('SET', entry[2], number, 'PX', ttl)
    numbers[entry[1]] = number
  end
end

-- The counters outlive every number: those that were used just now, too.
local left = call('PTTL', counters)
if left ~= -2 and left < 2 * ttl then call('PEXPIRE', counters, 3 * ttl) end

return { table.concat(numbers, ','), table.concat(unsealed, ',') }
