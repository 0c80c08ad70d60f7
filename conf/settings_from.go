package conf

import (
	"slices"
	"strconv"
	"time"
)

// apply makes vals what the Config says.
func (c *Config) apply(vals []value) {
	renames := c.Settings.Renames
	c.Values = Values{vals}
	c.Settings = newSettings(vals)
	c.Settings.Renames = renames
	c.State.Port = c.Settings.Port
	c.State.TLSPort = c.Settings.TLS.Port
	c.State.TLSReplication = c.Settings.TLS.Replication
	c.State.RequirePass = c.Settings.RequirePass
	c.State.LogLevel = c.Settings.LogLevel
}

// reader gives values of the table by name.
type reader []value

func (r reader) on(name string) bool { return r[index[name]].num != 0 }

func (r reader) int(name string) int { return int(r[index[name]].num) }

func (r reader) seconds(name string) time.Duration {
	return time.Duration(r[index[name]].num) * time.Second
}

func (r reader) text(name string) string { return r[index[name]].text }

func (r reader) secret(name string) Secret { return NewSecret(r.text(name)) }

func (r reader) word(name string) string {
	i := index[name]
	return table[i].word(r[i].num)
}

func (r reader) limit(class int) OutputLimit {
	l := r[index["client-output-buffer-limit"]].limits[class]
	return OutputLimit{
		Hard:    int64(min(l.hard, maxInt64)),
		Soft:    int64(min(l.soft, maxInt64)),
		SoftFor: time.Duration(min(l.seconds, maxInt64/int64(time.Second))) * time.Second,
	}
}

// newSettings reads the Settings from the values of the table.
func newSettings(vals []value) Settings {
	r := reader(vals)
	s := Settings{
		Port:              r.int("port"),
		Bind:              slices.Clone(r[index["bind"]].list),
		BindSourceAddr:    r.text("bind-source-addr"),
		ProtectedMode:     r.on("protected-mode"),
		TCPBacklog:        r.int("tcp-backlog"),
		TCPKeepalive:      r.seconds("tcp-keepalive"),
		UnixSocket:        r.text("unixsocket"),
		UnixSocketPerm:    uint32(r.int("unixsocketperm")),
		UnixGroup:         r.text("unixsocketgroup"),
		SocketMark:        uint32(r.int("socket-mark-id")),
		TLS:               newTLS(r),
		Timeout:           r.seconds("timeout"),
		MaxClients:        r.int("maxclients"),
		OutputNormal:      r.limit(classNormal),
		OutputReplica:     r.limit(classReplica),
		OutputPubSub:      r.limit(classPubSub),
		QueryBufferLimit:  int64(r.int("client-query-buffer-limit")),
		ProtoMaxBulkLen:   int64(r.int("proto-max-bulk-len")),
		MaxMemoryClients:  int64(r.int("maxmemory-clients")),
		RequirePass:       r.secret("requirepass"),
		ACLFile:           r.text("aclfile"),
		ACLPubSubAll:      r.word("acl-pubsub-default") == "allchannels",
		ACLLogMaxLen:      int64(r.int("acllog-max-len")),
		TrackingTableKeys: int64(r.int("tracking-table-max-keys")),
		SlowlogMaxLen:     int64(r.int("slowlog-max-len")),
		Dir:               r.text("dir"),
		Daemonize:         r.on("daemonize"),
		Supervised:        r.word("supervised"),
		PidFile:           r.text("pidfile"),
		SetProcTitle:      r.on("set-proc-title"),
		ProcTitleTemplate: r.text("proc-title-template"),
		CPUList:           r.text("server_cpulist"),
		OOMScoreAdj:       r.word("oom-score-adj"),
		DisableTHP:        r.on("disable-thp"),
		Hz:                r.int("hz"),
		MaxMemory:         uint64(r.int("maxmemory")),
		LocaleCollate:     r.text("locale-collate"),
		LogFile:           r.text("logfile"),
		LogLevel:          r.word("loglevel"),
		SyslogEnabled:     r.on("syslog-enabled"),
		SyslogIdent:       r.text("syslog-ident"),
		SyslogFacility:    r.word("syslog-facility"),
		AlwaysShowLogo:    r.on("always-show-logo"),
		CrashLog:          r.on("crash-log-enabled"),
	}
	if r[index["maxmemory-clients"]].pct {
		s.MaxMemoryClients = -s.MaxMemoryClients
	}
	if s.OOMScoreAdj == "yes" {
		s.OOMScoreAdj = "relative"
	}
	for i, word := range r[index["oom-score-adj-values"]].list {
		s.OOMScoreAdjValues[i], _ = strconv.Atoi(word) // checked when read
	}
	return s
}

func newTLS(r reader) TLS {
	return TLS{
		Port:                r.int("tls-port"),
		Replication:         r.on("tls-replication"),
		Cluster:             r.on("tls-cluster"),
		CertFile:            r.text("tls-cert-file"),
		KeyFile:             r.text("tls-key-file"),
		KeyFilePass:         r.secret("tls-key-file-pass"),
		ClientCertFile:      r.text("tls-client-cert-file"),
		ClientKeyFile:       r.text("tls-client-key-file"),
		ClientKeyFilePass:   r.secret("tls-client-key-file-pass"),
		CACertFile:          r.text("tls-ca-cert-file"),
		CACertDir:           r.text("tls-ca-cert-dir"),
		DHParamsFile:        r.text("tls-dh-params-file"),
		AuthClients:         r.word("tls-auth-clients"),
		Protocols:           r.text("tls-protocols"),
		Ciphers:             r.text("tls-ciphers"),
		CipherSuites:        r.text("tls-ciphersuites"),
		PreferServerCiphers: r.on("tls-prefer-server-ciphers"),
		SessionCaching:      r.on("tls-session-caching"),
		SessionCacheSize:    r.int("tls-session-cache-size"),
		SessionCacheTimeout: r.seconds("tls-session-cache-timeout"),
	}
}
