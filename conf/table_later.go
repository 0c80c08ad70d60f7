package conf

// tableLater are the directives that came after 7.0, in Redis and in Valkey,
// and the one that 6.2 alone has. All are accepted, whatever version we claim,
// so that a file of any of them loads.
//
// Rule: C-85 and 4.7 of the configuration rules.
var tableLater = []directive{
	// Redis 7.2.
	text("cluster-announce-human-nodename").checked(nodeName),
	integer("cluster-ping-interval", 0, maxInt64, "0"),
	textDefault("locale-collate", ""),
	integer("set-max-listpack-entries", 0, maxInt64, "128"),
	integer("set-max-listpack-value", 0, maxInt64, "64"),
	// Redis 7.4.
	boolean("hide-user-data-from-log", "no"),
	integer("max-new-connections-per-cycle", 1, 1000, "10"),
	integer("max-new-tls-connections-per-cycle", 1, 1000, "1"),
	// Redis 6.2.
	boolean("gopher-enabled", "no"),
	// Valkey 8.
	textDefault("availability-zone", ""),
	text("cluster-announce-client-ipv4"),
	text("cluster-announce-client-ipv6"),
	integer("cluster-blacklist-ttl", 0, maxInt64, "60"),
	boolean("cluster-slot-stats-enabled", "no"),
	textDefault("debug-context", ""),
	boolean("dual-channel-replication-enabled", "no"),
	boolean("enable-debug-assert", "no"),
	integer("events-per-io-thread", 0, maxInt32, "2"),
	boolean("extended-redis-compatibility", "no"),
	enum("log-format", "legacy", "legacy", "logfmt"),
	enum("log-timestamp-format", "legacy", "legacy", "iso8601", "milliseconds"),
	integer("prefetch-batch-max-size", 0, 128, "16"),
	text("unixsocketgroup"),
}
