-- Removes the index keys of numbers that had been given when the forgetting began; returns how many.
--
-- KEYS  index keys of one scope
-- ARGV  for each of them the highest number to forget
local forgotten = 0
for at, key in ipairs(KEYS) do
  local number = redis.call('GET', key)
  if number and tonumber(number) <= tonumber(ARGV[at]) then
    forgotten = forgotten + redis.call('UNLINK', key)
  end
end
return forgotten
