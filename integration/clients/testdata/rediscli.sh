#!/bin/sh
# Writes 1, 2, 3... to the set KEY at the master that the Sentinels name.
# Usage: rediscli.sh MASTER KEY SENTINEL...
master=$1
key=$2
shift 2

# find sets host and port to what the first Sentinel that answers says.
find() {
	for sentinel; do
		answer=$(redis-cli -e -h "${sentinel%:*}" -p "${sentinel##*:}" sentinel get-master-addr-by-name "$master") || continue
		host=$(echo "$answer" | sed -n 1p)
		port=$(echo "$answer" | sed -n 2p)
		echo "master $host:$port"
		return
	done
	echo "error: no Sentinel answers"
}

find "$@"
n=1
while :; do
	if answer=$(redis-cli -e -h "$host" -p "$port" sadd "$key" "$n" 2>&1); then
		echo "ok $n"
		n=$((n + 1))
		sleep 0.02
	else
		echo "error: $answer"
		sleep 0.1
		find "$@"
	fi
done
