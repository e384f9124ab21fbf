-- One token bucket, timed by the server's own clock, so that workers on several machines agree.
-- KEYS[1] the bucket: t tokens, at ms of the last refill, b blocked until ms, n refusals in a row, f the share of
-- its rate that it may use since fa.
-- ARGV: operation, size, rate per ms, then what the operation needs. Answers with milliseconds.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local op, size, rate = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 't', 'at', 'b', 'n', 'f', 'fa')
local tokens, at = tonumber(state[1]) or size, tonumber(state[2]) or now
local blocked, strikes = tonumber(state[3]) or 0, tonumber(state[4]) or 0
-- Refused means too fast, whatever the limit says: less from then on, and a tenth of the rate back each minute.
local share, since = tonumber(state[5]) or 1, tonumber(state[6]) or now
share = math.min(1, share + math.max(0, now - since) / 600000)
rate = rate * share
-- A server clock that was set back takes what it measured along.
if at > now then blocked = blocked - (at - now) end
tokens = math.min(size, tokens + math.max(0, now - at) * rate)

local function keep()
  redis.call('HSET', KEYS[1], 't', tostring(tokens), 'at', now, 'b', blocked, 'n', strikes,
    'f', tostring(share), 'fa', now)
  -- A forgotten bucket is a full one: keep it until it would be full, and its refusals for a while.
  local full = math.ceil((size - tokens) / rate)
  redis.call('PEXPIRE', KEYS[1], math.ceil(math.max(full, blocked - now, (1 - share) * 600000)) + 60000)
end

if op == 'take' then
  local cost, reserve, patience = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
  if blocked > now then return {0, blocked - now} end
  local needed = math.min(size, cost + reserve * size)
  local wait = math.max(0, math.ceil((needed - tokens) / rate))
  -- With a reserve nothing is taken in advance: who comes first with a better right goes first.
  if wait > patience or (reserve > 0 and wait > 0) then return {0, wait} end
  tokens = tokens - cost
  keep()
  return {1, wait}
elseif op == 'refund' then
  tokens = math.min(size, tokens + tonumber(ARGV[4]))
  keep()
elseif op == 'observe' then
  local remaining, reset = tonumber(ARGV[4]), tonumber(ARGV[5])
  tokens = math.min(tokens, remaining)
  if remaining < 1 and reset > 0 then blocked = math.max(blocked, now + reset) end
  keep()
elseif op == 'block' then
  local told, base, longest, memory = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
  -- Workers that were under way together are refused together: that is one refusal.
  if now >= blocked then
    if now > blocked + memory then strikes = 1 else strikes = strikes + 1 end
    share = math.max(0.1, share * 0.8)
  end
  if told < 0 then told = math.min(longest, base * 2 ^ math.min(strikes - 1, 16)) * tonumber(ARGV[8]) end
  tokens = math.min(tokens, 0)
  blocked = math.max(blocked, now + math.ceil(told))
  keep()
end
return {0, math.max(0, blocked - now)}
