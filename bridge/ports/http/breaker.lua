-- The circuit breaker of one account: n failures in a row, u not before this ms, p a call is out to try.
-- KEYS[1] the breaker. ARGV: operation, failures that open it, first ms, longest ms, probe ms.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local op, limit = ARGV[1], tonumber(ARGV[2])
local first, longest, probe = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local state = redis.call('HMGET', KEYS[1], 'n', 'u', 'p')
local failures, closed, trying = tonumber(state[1]) or 0, tonumber(state[2]) or 0, tonumber(state[3]) or 0

local function keep()
  redis.call('HSET', KEYS[1], 'n', failures, 'u', closed, 'p', trying)
  redis.call('PEXPIRE', KEYS[1], longest * 4)
end

if op == 'wait' then
  if failures < limit then return {0, failures} end
  if closed > now then return {closed - now, failures} end
  closed, trying = now + probe, 1
  keep()
elseif op == 'failed' then
  -- Calls that were under way when it opened say nothing new.
  if failures >= limit and closed > now and trying == 0 then return {closed - now, failures} end
  trying = 0
  failures = failures + 1
  if failures >= limit then closed = now + math.min(longest, first * 2 ^ math.min(failures - limit, 16)) end
  keep()
elseif op == 'succeeded' then
  redis.call('DEL', KEYS[1])
elseif op == 'release' and failures >= limit then
  closed, trying = math.min(closed, now), 0
  keep()
end
return {0, failures}
