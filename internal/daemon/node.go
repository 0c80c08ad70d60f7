package daemon

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/link"
	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// machine is the core as the loop drives it: *sentinel.Core, or that wrapped by
// a recorder. Only the loop's goroutine may call it, but for Look.
type machine interface {
	Start() []sentinel.Effect
	Step(now sentinel.Stamp, in sentinel.Input) []sentinel.Effect
	NextDeadline() time.Duration
	Connections() int
	Durable() (conf.State, sentinel.Seq)
	// Look is called by many at once, while nothing else is.
	Look(dst []byte, now sentinel.Stamp, args [][]byte, proto int) ([]byte, bool)
}

// frontend is the listener as the loop uses it. No method may block.
type frontend interface {
	// Respond answers the command that was submitted as id.
	Respond(id uint64, v resp.Value)
	// Wanted tells whether the command that was submitted as id is to be
	// handled now; if not, it is submitted again or nobody waits for it.
	Wanted(id uint64) bool
	// Publish sends a message to the subscribers of a channel.
	Publish(channel, payload string)
	// Show says what the View answers for a master from now on; host and port
	// are ignored if it is gone.
	Show(master, host string, port int, gone bool)
	// Silence has all that clients and peers ask wait, or no longer.
	Silence(on bool)
	// Reserve says how many descriptors our own connections take at most.
	Reserve(n int)
	// Beat says that the loop turned.
	Beat()
}

// links are the outgoing connections as the loop uses them: *link.Set.
type links interface {
	Dial(o link.DialOptions)
	Send(id, tag uint64, cmds [][]string)
	Hangup(id uint64)
	Flush()
	// Wait waits for events, for a moment, or for Wake.
	Wait(until time.Time)
	// Tell tells the Sink what happened.
	Tell()
	// Wake ends Wait; any goroutine may call it.
	Wake()
	Close()
}

// nodeOptions are what a node needs. Core, Clock, Log, SetLogLevel, Exit and
// ConfigFile must be set; all else has a use when zero.
type nodeOptions struct {
	Core machine
	// Clock is the time of inputs. It must be the one that stamped the making
	// of Core.
	Clock *clock
	Log   *slog.Logger
	// SetLogLevel carries out SENTINEL CONFIG SET loglevel.
	SetLogLevel func(level string)
	// Exit ends the process; it flushes the log first.
	Exit func(code int)

	// ConfigFile is the absolute path of the main config file, StateFile that
	// of `sentinel state-config-file` or "".
	ConfigFile, StateFile string
	// Values are the general directives, for the rewrite.
	Values conf.Values
	// Users gives the users' lines of this moment (C-95); nil gives none. It
	// is called on the persister's goroutine.
	Users func() []string
	// StrictDurability is R-8's other mode.
	StrictDurability bool
	// Umask is that of the process at its start (C-106).
	Umask fs.FileMode
	// Trusted are the users whose files may be taken for ours.
	Trusted owners

	// Link says how instances are dialled; Link.Sink is set by the node.
	Link link.Options
	// Lookup resolves host names; nil is the system's resolver.
	Lookup lookupFunc

	disk  disk                              // nil is the real one; tests put in a failing one
	links func(link.Options) (links, error) // nil makes a link.Set
}

// node owns the core and everything that the core asks for: it is the running
// half of the daemon. attach and run are called once each, in this order;
// Submit may be called from any goroutine at any time.
type node struct {
	core        machine
	clock       *clock
	log         *slog.Logger
	setLogLevel func(level string)
	exit        func(code int)
	strict      bool

	inbox     *inbox
	frontend  frontend
	links     links
	persister *persister
	resolver  *resolver
	scripts   *scripts

	// hand is the loop's, but while that waits: then others may look at core.
	hand sync.RWMutex

	// What only the loop touches, but for what Look reads.
	outbox sentinel.Outbox
	dirt   dirt
	ring   crashRing

	items    []item             // taken out of inbox
	requests []sentinel.Request // the same; those up to served have been handled
	served   int

	fromPeers []sentinel.Request // the same, of peers; empty between turns

	calmAt    time.Duration // something happens until then; see eventful
	clientsAt time.Duration // clients' commands are not handled before

	kept   int    // connections that the front was told of
	ready  func() // nil once called
	exited bool   // the core asked for the end
}

// newNode makes the running half of the daemon. The caller makes the front
// door with the node as its backend, gives it to attach, and calls run.
func newNode(o nodeOptions) (*node, error) {
	if o.Core == nil || o.Clock == nil || o.Log == nil || o.SetLogLevel == nil || o.Exit == nil || o.ConfigFile == "" {
		return nil, errors.New("node: an option is missing")
	}
	n := &node{
		core: o.Core, clock: o.Clock, log: o.Log, setLogLevel: o.SetLogLevel, exit: o.Exit,
		strict: o.StrictDurability,
	}
	if o.links == nil {
		o.links = func(o link.Options) (links, error) { return link.New(o) }
	}
	o.Link.Sink = n.happened
	var err error
	if n.links, err = o.links(o.Link); err != nil {
		return nil, err
	}
	n.inbox = newInbox(n.links.Wake)
	if o.disk == nil {
		o.disk = osDisk{o.Trusted}
	}
	n.persister = &persister{
		saver:  saver{disk: o.disk, log: o.Log, umask: o.Umask},
		path:   o.ConfigFile,
		values: o.Values,
		users:  o.Users,
		jobs:   make(chan saveJob, 1),
		report: func(r saveResult) { n.inbox.put(item{saved: &r}) },
	}
	if o.StateFile != "" {
		n.persister.path = o.StateFile
	}
	report := func(in sentinel.Input) { n.inbox.put(item{input: in}) }
	n.resolver = newResolver(o.Lookup, func(r sentinel.Resolved) { report(r) })
	n.scripts = newScripts(report)
	n.hand.Lock() // for the loop that is to begin
	return n, nil
}

// attach gives the node its listener. It must come before run.
func (n *node) attach(f frontend) { n.frontend = f }

// Submit queues the commands of one client, in order; each is answered through
// front.Respond. It blocks while too many inputs wait. It reports false, and
// queues nothing, once the node has ended.
func (n *node) Submit(batch []sentinel.Request) bool { return n.inbox.putRequests(batch) }

// SubmitAsPeer is Submit for what Sentinels ask and tell each other, which goes
// before what clients want: a failover waits for it. It blocks while too much of
// the same connection waits.
func (n *node) SubmitAsPeer(conn uint64, batch []sentinel.Request) bool {
	return n.inbox.putPeers(conn, batch)
}
