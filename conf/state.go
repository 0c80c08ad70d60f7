package conf

import "time"

// Secret is text that no log, dump or trace may show. Reveal gives the text.
// The zero Secret is the empty text.
type Secret struct{ text string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text itself; only for the wire and for sentinel.conf.
func (s Secret) Reveal() string { return s.text }

// String hides the text.
func (s Secret) String() string { return "***" }

// State is what the `sentinel` lines of sentinel.conf say, and those general
// settings that the core needs. The core is built from it and gives it back
// by Durable; a State handed on is never changed again, nor what it points to.
type State struct {
	// General settings that the protocol needs; never written from here.
	Port           int    // `port`; default 26379, 0 = no TCP listener
	TLSPort        int    // `tls-port`; 0 = none
	TLSReplication bool   // `tls-replication`
	RequirePass    Secret // `requirepass`: AUTH to peers when SentinelPass is unset
	LogLevel       string // as written; the core keeps it for SENTINEL CONFIG GET

	MyID                string // see ValidRunID; "" = none yet
	CurrentEpoch        uint64
	DenyScriptsReconfig bool // default yes
	ResolveHostnames    bool
	AnnounceHostnames   bool
	AnnounceIP          string // "" = unset
	AnnouncePort        int    // 0 = unset
	SentinelUser        string // "" = unset
	SentinelPass        Secret // "" = unset
	StateFile           string // `sentinel state-config-file`; "" = none
	Masters             []*Master

	// Main is what the main file says that a state file may have to take back;
	// nil without a state file.
	Main []MainMaster

	// Settings of our own (docs/architecture.md, the shell).
	StrictDurability bool   // #gosentinel strict-durability yes
	TraceFile        string // #gosentinel trace <file>; "" = none, relative to `dir`
	TraceSize        int64  // #gosentinel trace-size <bytes> of each of its two files; 0 = default
}

// Master is what the file holds of one monitored master.
type Master struct {
	Name            string
	Addr            Endpoint
	Quorum          int
	DownAfter       time.Duration // whole milliseconds; default 30 s
	FailoverTimeout time.Duration // failover-timeout; default 180 s
	// ParallelSyncs is how many replicas follow a new master at a time;
	// default 1, 0 and negative are kept as written.
	ParallelSyncs        int
	NotificationScript   string  // "" = none
	ClientReconfigScript string  // "" = none
	AuthPass             *Secret // nil = unset; may be set and empty
	AuthUser             *string
	RebootDownAfter      time.Duration // master-reboot-down-after-period; 0 = off
	Renames              []Rename      // in file order
	ConfigEpoch          uint64
	LeaderEpoch          uint64
	HasLeaderEpoch       bool // false: no line; the core then starts at CurrentEpoch (E-21)
	Replicas             []Endpoint
	Sentinels            []Peer
}

// MainMaster is a master of the main file with the names of the options that it
// sets there and that can be unset.
type MainMaster struct {
	Name string
	Sets []string
}

// Endpoint is an address as the file spells it: an IP or a host name.
type Endpoint struct {
	Host string
	Port int // 0 = do not connect
}

// Rename says by what word a command goes out to the instances of a master.
type Rename struct{ Old, New string }

// Peer is a known-sentinel line.
type Peer struct {
	Addr  Endpoint
	RunID string
}

// Defaults of C-52 and behaviour.md section 2.
const (
	DefaultDownAfter       = 30 * time.Second
	DefaultFailoverTimeout = 180 * time.Second
	DefaultParallelSyncs   = 1
	DefaultPort            = 26379
)
