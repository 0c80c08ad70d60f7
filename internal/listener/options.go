package listener

import (
	"log/slog"
	"time"

	"gosentinel/internal/acl"
	"gosentinel/internal/command"
)

// Request is one command for the loop: name, arity, permissions, PAUSE and
// subscribed mode are checked. Its answer is Server.Respond with the same ID.
type Request struct {
	ID     uint64   // never 0
	Conn   uint64   // of the connection; never used again
	Peer   bool     // what Sentinels ask and tell each other, and a failover waits for
	Client string   // the name that the connection gave itself
	Args   [][]byte // never empty; they do not change until answered
}

// Backend is the daemon's loop.
type Backend interface {
	// Submit queues requests of one connection, in order; earlier ones may be
	// unanswered. It must not block for long, and not keep the slice batch
	// (the Args may be kept). False says that the loop has ended: nothing was
	// queued and the connection is closed.
	//
	// Requests are SENTINEL (but HELP), ROLE, PUBLISH, and INFO when its
	// sentinel section is wanted: that is answered with a Bulk that holds this
	// section only, from `# Sentinel` on. A connection that is subscribed
	// sends one at a time. Events that a request causes are to be published
	// before its Respond, and reach the connection after its reply.
	Submit(batch []Request) bool
	// Look answers a request at once, on the caller's goroutine, if that changes
	// nothing: it appends the reply, in a protocol version (2 or 3), to dst.
	// False says that the request has to be submitted, and dst is as it was. It
	// must not block. Requests are those of Submit.
	Look(dst []byte, args [][]byte, proto int) ([]byte, bool)
}

// OutputLimit bounds what waits to be sent to a client; 0 means no limit.
//
// Rule: K-8.3.
type OutputLimit struct {
	Hard, Soft int64         // bytes
	SoftFor    time.Duration // how long Soft may be exceeded
}

// Options configure a Server. Backend, Table and Users must be set.
type Options struct {
	Backend Backend
	Table   *command.Table // with all renames; no longer changed
	// Users belongs to the Server from here on, which guards it.
	Users *acl.Users
	// Log takes the log lines; nil discards them.
	Log *slog.Logger
	// Shutdown is called, once, for SHUTDOWN. It must not wait for the Server.
	Shutdown func()

	MaxClients       int           // 0: 10000
	FileLimit        func() int    // how many descriptors there may be, 0 for not known; nil: not known
	ProtectedMode    bool          // refuse strangers while `default` has no password
	Timeout          time.Duration // an idle client is closed after it; 0: never
	TCPKeepalive     time.Duration // 0: off
	QueryBufferLimit int64         // bytes of one client's unread input; 0: 1 GiB
	ProtoMaxBulkLen  int64         // bytes of one argument; 0: 512 MiB
	OutputNormal     OutputLimit
	OutputPubSub     OutputLimit
	MaxUnread        int64  // bytes of replies and messages that all clients have not read yet; 0: 256 MiB
	ACLFile          string // absolute path; "": none
	ACLLogMaxLen     int    // entries of ACL LOG; 0 keeps none

	Facts Facts
}

// Facts are what INFO and HELLO tell about the process.
//
// Rule: K-3, R-2.
type Facts struct {
	RedisVersion string // 7.2.4
	Version      string // gosentinel's own
	BuildID      string // hex
	RunID        string // 40 hex, of this process; not the Sentinel's id
	Supervised   string // no, upstart or systemd; "" means no
	Port         int    // `port`, or tls-port if that is 0
	ConfiguredHz int
	Executable   string
	ConfigFile   string   // absolute path
	Listeners    []string // texts behind `listener<i>:`, with their index: `0:name=tcp,bind=127.0.0.1,port=26379`
}
