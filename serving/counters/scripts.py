"""What Redis does with counters, as Lua that it runs whole: a killed client leaves an event counted or not counted.

Amounts lie in a hash of minutes, members in a sorted set by the last minute that saw them.
"""

COUNT = """
-- KEYS: 1 stream, 2 the word that this event was counted. ARGV: 1 group, 2 entry, 3 seconds to keep,
-- 4 oldest minute that a window holds, then kind, key, minute, amount or member for each addition.
local new = redis.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[3])
if new then
  for i = 5, #ARGV, 4 do
    local key = ARGV[i + 1]
    if ARGV[i] == 'member' then
      redis.call('ZADD', key, 'GT', ARGV[i + 2], ARGV[i + 3])
      redis.call('ZREMRANGEBYSCORE', key, '-inf', ARGV[4])
    else
      redis.call('HINCRBY', key, ARGV[i + 2], ARGV[i + 3])
      -- Minutes that no window holds are dropped now and then, not with every event.
      if redis.call('HLEN', key) > 3000 then
        for _, minute in ipairs(redis.call('HKEYS', key)) do
          if tonumber(minute) <= tonumber(ARGV[4]) then redis.call('HDEL', key, minute) end
        end
      end
    end
    redis.call('EXPIRE', key, ARGV[3])
  end
end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return new and 1 or 0
"""
"""Counts one event unless it was counted before, and acknowledges its entry of the stream, in one step."""

READ = """
-- KEYS: counters. ARGV: 1 number of windows, the last minute before each (shortest first), then a kind for each key.
local windows, found = tonumber(ARGV[1]), {}
for number, key in ipairs(KEYS) do
  local amounts
  if ARGV[1 + windows + number] == 'amount' then amounts = redis.call('HGETALL', key) end
  for window = 1, windows do
    local before = tonumber(ARGV[1 + window])
    if amounts then
      local sum = 0
      for i = 1, #amounts, 2 do
        if tonumber(amounts[i]) > before then sum = sum + tonumber(amounts[i + 1]) end
      end
      found[#found + 1] = sum
    else
      found[#found + 1] = redis.call('ZCOUNT', key, '(' .. ARGV[1 + window], '+inf')
    end
  end
end
return found
"""
"""The windows of several counters at one moment: for each key as many whole numbers as there are windows."""
