-- Notes which run of the server this is, and for how long to mistrust that a counter is absent.
--
-- KEYS  1 the last run's id  2 exists for one TTL after the run became another
-- ARGV  1 this run's id  2 TTL in ms
-- Returns how many ms that still is; negative when nothing is to be mistrusted.
local known = redis.call('GET', KEYS[1])
if known and known ~= ARGV[1] then redis.call('SET', KEYS[2], '', 'PX', ARGV[2]) end
-- Even when it is known: it is how a bridge finds out whether Redis takes writes.
redis.call('SET', KEYS[1], ARGV[1])
return redis.call('PTTL', KEYS[2])
