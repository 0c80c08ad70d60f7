package conf

import "time"

// Settings are the general directives that have an effect in a Sentinel. They
// do not change at run time, but for the log level, which the core holds.
type Settings struct {
	// Listening.
	Port           int           // `port`; 0 = no TCP listener; default 26379
	Bind           []string      // `bind`; nil = no TCP or TLS listener; default * -::*; a prefix - means optional (C-69)
	BindSourceAddr string        // `bind-source-addr`, of outgoing links; "" = any
	ProtectedMode  bool          // `protected-mode`; default no
	TCPBacklog     int           // `tcp-backlog`; default 511
	TCPKeepalive   time.Duration // `tcp-keepalive`; 0 = off; default 300 s
	UnixSocket     string        // `unixsocket`; "" = none
	UnixSocketPerm uint32        // `unixsocketperm`; 0 = leave to umask
	UnixGroup      string        // `unixsocketgroup`; "" = leave
	SocketMark     uint32        // `socket-mark-id`; 0 = off
	TLS            TLS

	// Clients.
	Timeout           time.Duration // `timeout`, idle clients are closed after it; 0 = never
	MaxClients        int           // `maxclients`; default 10000
	OutputNormal      OutputLimit   // `client-output-buffer-limit normal`
	OutputReplica     OutputLimit   // ... of class replica; no effect
	OutputPubSub      OutputLimit   // ... of class pubsub
	QueryBufferLimit  int64         // `client-query-buffer-limit`, bytes per client; default 1 GiB
	ProtoMaxBulkLen   int64         // `proto-max-bulk-len`, bytes; default 512 MiB
	MaxMemoryClients  int64         // `maxmemory-clients`, bytes; negative = percent of maxmemory; 0 = off
	RequirePass       Secret        // `requirepass`; "" = unset
	ACLFile           string        // `aclfile`; "" = none; relative to Dir
	ACLPubSubAll      bool          // `acl-pubsub-default allchannels`; default resetchannels
	ACLLogMaxLen      int64         // `acllog-max-len`, entries; default 128
	Renames           []Rename      // `rename-command` of our own commands; New "" = removed
	TrackingTableKeys int64         // `tracking-table-max-keys`; shown only
	SlowlogMaxLen     int64         // `slowlog-max-len`; shown only

	// Process.
	Dir               string // current directory after all lines, absolute
	Daemonize         bool   // `daemonize`
	Supervised        string // `supervised`: no, upstart, systemd or auto
	PidFile           string // `pidfile`; "" = unset; relative to Dir
	SetProcTitle      bool   // `set-proc-title`; default yes
	ProcTitleTemplate string // `proc-title-template`; see ExpandTitle
	CPUList           string // `server_cpulist`; "" = unset
	OOMScoreAdj       string // `oom-score-adj`: no, relative or absolute
	OOMScoreAdjValues [3]int // `oom-score-adj-values`; only the first counts
	DisableTHP        bool   // `disable-thp`; default yes
	Hz                int    // `hz`, clamped to 1..500; shown as configured_hz
	MaxMemory         uint64 // `maxmemory`, bytes; 0 = none; only a warning (C-79)
	LocaleCollate     string // `locale-collate`; "" = environment

	// Logging.
	LogFile        string // `logfile`; "" = stdout; relative to Dir
	LogLevel       string // `loglevel`: debug, verbose, notice, warning or nothing
	SyslogEnabled  bool   // `syslog-enabled`
	SyslogIdent    string // `syslog-ident`; default redis
	SyslogFacility string // `syslog-facility`: user or local0 to local7
	AlwaysShowLogo bool   // `always-show-logo`; the logo is never shown (C-118)
	CrashLog       bool   // `crash-log-enabled`
}

// OutputLimit is one class of client-output-buffer-limit. 0 means no limit.
type OutputLimit struct {
	Hard, Soft int64         // bytes
	SoftFor    time.Duration // how long Soft may be exceeded; whole seconds
}

// TLS are the tls-* directives; "" means unset throughout.
type TLS struct {
	Port                int    // `tls-port`; 0 = off
	Replication         bool   // `tls-replication`: TLS on every outgoing link
	Cluster             bool   // `tls-cluster`: forces the context to be loaded
	CertFile            string // `tls-cert-file`
	KeyFile             string // `tls-key-file`
	KeyFilePass         Secret // `tls-key-file-pass`
	ClientCertFile      string // `tls-client-cert-file`, on outgoing links if set
	ClientKeyFile       string // `tls-client-key-file`
	ClientKeyFilePass   Secret // `tls-client-key-file-pass`
	CACertFile          string // `tls-ca-cert-file`
	CACertDir           string // `tls-ca-cert-dir`
	DHParamsFile        string // `tls-dh-params-file`; R-6
	AuthClients         string // `tls-auth-clients`: no, yes or optional
	Protocols           string // `tls-protocols`, as written (C-74)
	Ciphers             string // `tls-ciphers`
	CipherSuites        string // `tls-ciphersuites`
	PreferServerCiphers bool   // `tls-prefer-server-ciphers`
	SessionCaching      bool   // `tls-session-caching`; default yes
	SessionCacheSize    int    // `tls-session-cache-size`, sessions
	SessionCacheTimeout time.Duration
}
