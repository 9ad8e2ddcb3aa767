-- Adds what our keys make of the constant, unless another bridge added something since we looked.
--
-- KEYS  1 the known keys
-- ARGV  1 how many there were, then id and MAC of each key to add
-- Returns whether they were added.
if redis.call('HLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end
for at = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
return 1
