"""Writes 1, 2, 3... to the set KEY at the master that the Sentinels name.

Usage: redispy.py MASTER KEY SENTINEL...
"""

import sys
import time

from redis.exceptions import RedisError
from redis.sentinel import Sentinel

name, key, *addresses = sys.argv[1:]
sentinels = [(host, int(port)) for host, port in (a.rsplit(":", 1) for a in addresses)]
sentinel = Sentinel(sentinels, socket_timeout=1)
redis = sentinel.master_for(name, socket_timeout=1)

n = 1
while True:
    try:
        redis.sadd(key, n)
    except RedisError as e:
        print("error:", e, flush=True)
        time.sleep(0.1)
        continue
    print("ok", n, flush=True)
    n += 1
    time.sleep(0.01)
