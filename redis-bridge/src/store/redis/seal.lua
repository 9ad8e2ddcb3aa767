-- Stores sealed bytes under numbers that still belong to their values: the scope may have been forgotten meanwhile.
--
-- KEYS  1 the scope's counters
-- ARGV  1 kind  2 TTL in ms, then for each value: its first index, its number, the bytes
local scope = string.sub(KEYS[1], 1, -2)
local index, sealed = scope .. 'i:' .. ARGV[1] .. ':', scope .. 't:' .. ARGV[1] .. ':'
for at = 3, #ARGV, 3 do
  if redis.call('GET', index .. ARGV[at]) == ARGV[at + 1] then
    redis.call('SET', sealed .. ARGV[at + 1], ARGV[at + 2], 'PX', ARGV[2])
  end
end
