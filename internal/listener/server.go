package listener

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/redcon"

	"gosentinel/internal/acl"
	"gosentinel/internal/command"
)

// Defaults of Options.
const (
	defaultMaxClients = 10000
	defaultQueryLimit = 1 << 30 // bytes
	defaultMaxUnread  = 256 << 20
)

// Server is the front door. Serve may be called once per listening socket;
// Respond, Wanted, Publish, Show, Reserve, Silence and Beat belong to the loop's
// goroutine and never block; everything else may be called from anywhere.
type Server struct {
	o        Options
	log      *slog.Logger
	handlers [command.MaxCommands]handler
	fastPath [command.MaxCommands]bool
	cmds     known
	entries  encodings // of COMMAND INFO
	docs     encodings // of COMMAND DOCS
	born     time.Time
	bornUnix time.Time

	calls   calls
	hub     hub
	view    view
	stats   stats
	pause   pause
	reserve reserve

	reactors []*reactor

	attacks everyMinute // the warning of K-1.2 step 1

	beat atomic.Int64 // uptime at the last Beat, see Server.uptime

	// usersMu guards o.Users and aclLog; the three below mirror what every
	// request needs of it.
	usersMu    sync.RWMutex
	aclLog     *acl.Log
	aclVersion atomic.Uint64
	nopass     atomic.Bool // user default needs no password
	open       atomic.Bool // ... and is on: nobody needs to authenticate

	mu        sync.Mutex
	clients   map[uint64]*client
	lastID    uint64
	listeners []*clientListener
	shutdown  sync.Once
	closing   atomic.Bool
	stopping  chan struct{} // closed when nobody reads any more
	closed    chan struct{} // closed when all connections are to go
	wg        sync.WaitGroup
}

// New makes a Server that listens nowhere yet. An error says which option is
// missing. Close ends it.
func New(o Options) (*Server, error) {
	switch {
	case o.Backend == nil:
		return nil, errors.New("listener: Backend is missing")
	case o.Table == nil:
		return nil, errors.New("listener: Table is missing")
	case o.Users == nil:
		return nil, errors.New("listener: Users is missing")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxClients == 0 {
		o.MaxClients = defaultMaxClients
	}
	if o.QueryBufferLimit == 0 {
		o.QueryBufferLimit = defaultQueryLimit
	}
	if o.MaxUnread == 0 {
		o.MaxUnread = defaultMaxUnread
	}
	if o.Shutdown == nil {
		o.Shutdown = func() {}
	}
	now := time.Now()
	s := &Server{
		o: o, log: o.Log, born: now, bornUnix: now.Round(0),
		aclLog:   acl.NewLog(o.ACLLogMaxLen),
		clients:  make(map[uint64]*client),
		stopping: make(chan struct{}), closed: make(chan struct{}),
	}
	s.handlers, s.fastPath = handlers(o.Table), fastPathCommands(o.Table)
	s.cmds = knownOf(o.Table)
	s.hub.init(s)
	s.calls.init()
	s.view.init()
	s.usersChanged()
	s.wg.Add(2)
	go s.hub.run()
	go s.housekeep()
	s.startReactors(max(1, runtime.GOMAXPROCS(0)/2))
	return s, nil
}

// uptime is the time of everything here: monotonic, since New.
func (s *Server) uptime() time.Duration { return time.Since(s.born) }

// Serve accepts clients from ln until Close. ln may be a TLS listener
// (crypto/tls), or of a Unix socket. Serve returns nil after Close.
func (s *Server) Serve(ln net.Listener) error {
	d := &clientListener{s: s, ln: ln}
	s.mu.Lock()
	if s.closing.Load() {
		s.mu.Unlock()
		return ln.Close()
	}
	s.listeners = append(s.listeners, d)
	s.mu.Unlock()
	return redcon.Serve(d, handle, nil, nil)
}

// Beat says that the loop turned: it is called once per turn, at the end. When
// it was not called for a second, PING and GET-MASTER-ADDR-BY-NAME go through
// the loop too.
func (s *Server) Beat() {
	s.beat.Store(int64(s.uptime()))
	s.calls.wakeTouched()
}

// Reserve says how many descriptors the Sentinel's own connections take at
// most: those are kept from clients, and some more for the configuration,
// scripts and names. Clients that are too many then are closed, the youngest.
//
// Rule: C-76.
func (s *Server) Reserve(n int) {
	if grown := s.reserve.links.Swap(int64(n)) < int64(n); !grown {
		return
	}
	most, bound := s.reserve.room(s)
	if bound == 0 {
		return
	}
	for i, c := range s.all() { // the oldest first
		if i >= most || c.fd >= bound {
			c.kill()
		}
	}
}

// Silence has every request wait, PING and GET-MASTER-ADDR-BY-NAME included,
// until it is called again to end that. Events are published all the same.
//
// Rule: R-8.
func (s *Server) Silence(on bool) { s.pause.silence(on) }

// UserLines are the users of this moment as `user` lines of the config file; nil
// when they live in an ACL file.
//
// Rule: C-95.
func (s *Server) UserLines() []string {
	if s.o.ACLFile != "" {
		return nil
	}
	s.usersMu.RLock()
	defer s.usersMu.RUnlock()
	lines := s.o.Users.ConfLines()
	for i, line := range lines {
		lines[i] = "user " + line
	}
	return lines
}

// Close stops accepting, lets what was received be answered and what is queued
// be sent until ctx is done, and closes all connections. The error is that of
// ctx if it was done first.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closing.Swap(true) {
		s.mu.Unlock()
		return nil
	}
	for _, d := range s.listeners {
		d.ln.Close()
	}
	for _, c := range s.clients {
		c.stopReading()
	}
	s.mu.Unlock()
	close(s.stopping)

	var err error
	for tick := time.NewTicker(closePoll); s.connected() > 0 && err == nil; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	close(s.closed)
	for _, c := range s.all() {
		c.kill()
	}
	for _, r := range s.reactors {
		r.poll.Close()
	}
	s.wg.Wait()
	return err
}

// closePoll is how often Close looks whether all clients are gone.
const closePoll = 2 * time.Millisecond

// all lists the clients, oldest first.
func (s *Server) all() []*client {
	s.mu.Lock()
	list := make([]*client, 0, len(s.clients))
	for _, c := range s.clients {
		list = append(list, c)
	}
	s.mu.Unlock()
	slices.SortFunc(list, func(a, b *client) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return list
}

func (s *Server) connected() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.clients)
}

// usersChanged brings what mirrors the users up to date. The caller holds
// usersMu, or is alone.
func (s *Server) usersChanged() {
	u := s.o.Users.User(acl.DefaultUser)
	s.nopass.Store(u.NoPass())
	s.open.Store(u.NoPass() && u.Enabled())
	s.aclVersion.Add(1)
}
