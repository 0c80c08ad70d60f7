package daemon

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"

	"gosentinel/conf"
	"gosentinel/internal/acl"
	"gosentinel/internal/command"
	"gosentinel/internal/link"
	"gosentinel/internal/listener"
	"gosentinel/internal/trace"
	"gosentinel/sentinel"
)

// defaultPidFile is where a daemon writes its pid if nothing else is said.
//
// Rule: C-126.
const defaultPidFile = "/var/run/redis.pid"

// assemble does everything from the banner to the listening sockets and puts
// the parts together.
//
// Rule: C-118; the order is that of 7.2.4.
func (s *startup) assemble() (*process, error) {
	pid := os.Getpid()
	s.log.Info("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo")
	s.log.Info(fmt.Sprintf("Redis version=%s, bits=64, commit=00000000, modified=0, pid=%d, just started", RedisVersion, pid))
	s.log.Info(fmt.Sprintf("gosentinel %s, %s", Version, runtime.Version()))
	s.log.Info("Configuration loaded")
	if !validLocale(s.set.LocaleCollate) {
		return nil, abort{"Failed to configure LOCALE for invalid locale name."}
	}
	if s.set.SyslogEnabled {
		s.sink.setSyslog(newSysWriter(s.set.SyslogIdent, s.set.SyslogFacility, pid))
	}
	s.log.Info("monotonic clock: POSIX clock_gettime")
	maxClients, ok := raiseFileLimit(s.set.MaxClients, fileLimit, s.log)
	if !ok {
		return nil, abort(nil)
	}
	p := &process{startup: s}
	s.writePid()
	if title, ok := s.set.Title(s.args[0], s.conf.File); ok && s.set.SetProcTitle {
		s.title.set(title)
	}
	s.log.Info(fmt.Sprintf("Running mode=sentinel, port=%d.", s.shownPort()))
	warnOfBacklog(s.set.TCPBacklog, somaxconnPath, s.log)
	table, err := commandTable(s.set.Renames)
	if err != nil {
		return nil, err
	}
	aclFile := s.absolute(s.set.ACLFile)
	users, err := loadUsers(s.conf, aclFile, table, s.log)
	if err != nil {
		return nil, err
	}
	if err := s.loadTLS(); err != nil {
		return nil, err
	}
	if p.endpoints, err = openEndpoints(s.set, s.tls, s.log); err != nil {
		return nil, err
	}
	return p, s.connect(p, table, users, maxClients)
}

// writePid writes the pid file, if there is to be one.
//
// Rule: C-126, C-99.
func (s *startup) writePid() {
	if s.from.daemon && s.set.PidFile == "" {
		s.set.PidFile = defaultPidFile
		s.change("pidfile", defaultPidFile)
	}
	if s.set.PidFile != "" {
		s.removePid = writePidFile(s.set.PidFile, s.trusted, s.log)
	}
}

// change sets a directive that changed by itself, for the rewrite.
//
// Rule: C-99.
func (s *startup) change(name, value string) {
	if values, err := s.conf.Values.With(name, value); err == nil {
		s.conf.Values = values
	}
}

// shownPort is the port that log and INFO show.
func (s *startup) shownPort() int {
	if s.set.Port == 0 {
		return s.set.TLS.Port
	}
	return s.set.Port
}

// connect makes the core, the node around it and the listener.
func (s *startup) connect(p *process, table *command.Table, users *acl.Users, maxClients int) error {
	if s.sup.found {
		s.change("supervised", s.sup.mode)
	}
	time := newClock()
	core, err := s.makeCore(p, time.now())
	if err != nil {
		return abort{err.Error()}
	}
	ctx, stop := context.WithCancel(context.Background())
	p.ctx, p.stop = ctx, stop
	var server *listener.Server
	p.node, err = newNode(nodeOptions{
		Core:        core,
		Clock:       time,
		Log:         s.log,
		SetLogLevel: func(level string) { s.sink.setLevel(level) },
		Exit:        p.exit,

		ConfigFile:       s.conf.File,
		StateFile:        s.absolute(s.conf.State.StateFile),
		Values:           s.conf.Values,
		Users:            func() []string { return server.UserLines() },
		StrictDurability: s.conf.State.StrictDurability,
		Umask:            s.umask,
		Trusted:          s.trusted,

		Link: link.Options{Source: s.set.BindSourceAddr, TLS: s.tls.forLinks(), FileLimit: openFileLimit},
	})
	if err != nil {
		return abort{err.Error()}
	}
	options := listenerOptions(s.set)
	options.Backend = backend{p.node}
	options.Table, options.Users, options.Log = table, users, s.log
	options.Shutdown = p.stop
	options.MaxClients = maxClients
	options.FileLimit = openFileLimit
	options.ACLFile = s.absolute(s.set.ACLFile)
	options.Facts = s.facts(p.endpoints)
	if server, err = listener.New(options); err != nil {
		return abort{err.Error()}
	}
	p.server = server
	p.node.attach(server)
	return nil
}

// makeCore makes the core and, if that is wanted, a recorder around it.
//
// Rule: docs/architecture.md, recordings.
func (s *startup) makeCore(p *process, now sentinel.Stamp) (machine, error) {
	seed := randomSeed()
	core, err := sentinel.New(now, s.conf.State, seed)
	if err != nil || s.conf.State.TraceFile == "" {
		return core, err
	}
	path := s.absolute(s.conf.State.TraceFile)
	s.log.Info("Recording to " + path)
	p.recorder = trace.NewRecorder(core, now, s.conf.State, seed, trace.Options{
		Path: path, Size: s.conf.State.TraceSize, Version: Version,
		Log: func(text string) { s.log.Warn(text) },
	})
	return p.recorder, nil
}

// facts are what INFO tells about the process.
func (s *startup) facts(endpoints []endpoint) listener.Facts {
	return listener.Facts{
		RedisVersion: RedisVersion,
		Version:      Version,
		BuildID:      buildID(),
		RunID:        randomHex(20),
		Supervised:   s.sup.name(),
		Port:         s.shownPort(),
		ConfiguredHz: s.set.Hz,
		Executable:   s.executable(),
		ConfigFile:   s.conf.File,
		Listeners:    endpointTexts(endpoints),
	}
}

// listenerOptions are the settings of the listener that need no other part.
func listenerOptions(set *conf.Settings) listener.Options {
	return listener.Options{
		ProtectedMode:    set.ProtectedMode,
		Timeout:          set.Timeout,
		TCPKeepalive:     set.TCPKeepalive,
		QueryBufferLimit: set.QueryBufferLimit,
		ProtoMaxBulkLen:  set.ProtoMaxBulkLen,
		OutputNormal:     listener.OutputLimit(set.OutputNormal),
		OutputPubSub:     listener.OutputLimit(set.OutputPubSub),
		ACLLogMaxLen:     int(set.ACLLogMaxLen),
	}
}

// backend gives the node's commands the type that the node knows.
type backend struct{ node *node }

// Submit queues commands of one connection.
func (b backend) Submit(batch []listener.Request) bool {
	requests, peer := make([]sentinel.Request, len(batch)), true
	for i, r := range batch {
		peer = peer && r.Peer
		requests[i] = sentinel.Request{ID: sentinel.ReqID(r.ID), Client: r.Client, Args: r.Args, NotExecutable: notExecutable(r.Args)}
	}
	if peer && len(batch) > 0 {
		return b.node.SubmitAsPeer(batch[0].Conn, requests)
	}
	return b.node.Submit(requests)
}

// Look answers a command that changes nothing.
func (b backend) Look(dst []byte, args [][]byte, proto int) ([]byte, bool) {
	return b.node.Look(dst, args, proto)
}

// notExecutable are the scripts named in a request that we may not run. The
// file system is asked here, on the connection's goroutine, where it delays
// nobody else.
//
// Rule: K-2.10.
func notExecutable(args [][]byte) (paths []string) {
	for _, path := range sentinel.ScriptPaths(args) {
		if !(osHost{}).Executable(path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// randomSeed seeds the core's chance.
func randomSeed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// randomHex is n random bytes in hex.
func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
