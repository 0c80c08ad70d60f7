# Writes 1, 2, 3... to the set KEY at the master that the Sentinels name.
# Usage: rubyredis.rb MASTER KEY SENTINEL...

require "redis"

$stdout.sync = true
name, key, *addresses = ARGV
sentinels = addresses.map do |a|
  host, port = a.split(":")
  { host: host, port: Integer(port) }
end
redis = Redis.new(url: "redis://#{name}", sentinels: sentinels, role: :master, timeout: 1)

n = 1
loop do
  redis.sadd?(key, n)
  puts "ok #{n}"
  n += 1
  sleep 0.01
rescue Redis::BaseError => e
  puts "error: #{e.message}"
  redis.close # a master that has become a replica is left, too
  sleep 0.1
end
