<?php
// Writes 1, 2, 3... to the set KEY at the master that the Sentinels name.
// Usage: phpredis.php MASTER KEY SENTINEL...

[, $name, $key] = $argv;
$sentinels = array_slice($argv, 3);

// connect connects to the master that the first Sentinel that answers names.
function connect(string $name, array $sentinels): Redis
{
    foreach ($sentinels as $address) {
        [$host, $port] = explode(':', $address);
        try {
            $sentinel = version_compare(phpversion('redis'), '6', '<')
                ? new RedisSentinel($host, (int) $port, 1.0)
                : new RedisSentinel(['host' => $host, 'port' => (int) $port, 'connectTimeout' => 1.0]);
            $master = $sentinel->getMasterAddrByName($name);
        } catch (RedisException $e) {
            continue;
        }
        if ($master) {
            echo "master $master[0]:$master[1]\n";
            $redis = new Redis();
            $redis->connect($master[0], (int) $master[1], 1.0);
            return $redis;
        }
    }
    throw new RedisException('no Sentinel answers');
}

$redis = null;
for ($n = 1; ; ) {
    try {
        $redis ??= connect($name, $sentinels);
        if ($redis->sAdd($key, $n) === false) {
            throw new RedisException($redis->getLastError());
        }
        echo "ok $n\n";
        $n++;
        usleep(10000);
    } catch (RedisException $e) {
        echo "error: {$e->getMessage()}\n";
        $redis = null;
        usleep(100000);
    }
}
