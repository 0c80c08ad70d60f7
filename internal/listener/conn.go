package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gosentinel/internal/command"
	"gosentinel/internal/epoll"
	"gosentinel/internal/resp"
)

// Sizes in bytes.
const (
	readSize     = 16 << 10 // what one read takes at most, but for long requests
	firstRead    = 4 << 10  // what the first read takes, before anybody is known
	handOverSize = 16 << 10 // what is handed to redcon at a time
	bigRequest   = 32 << 10 // longer ones are not handed to redcon, whose buffer never shrinks
	flushSize    = 64 << 10 // replies that are sent before the batch is done
)

// lingerTimeout is how long a client that made a mistake may take to read why.
const lingerTimeout = time.Second

// client is one connection. It is the net.Conn that redcon reads from: Read
// frames requests, answers PING and the View's questions at once, and passes
// whole, well-formed requests on. Fields without a note belong to the
// connection's goroutine, or to the reactor in its turn.
type client struct {
	s             *Server
	id            uint64
	conn          net.Conn // what is read from and written to
	sock          net.Conn // the socket itself, below TLS
	addr          string
	laddr         string
	unix          bool
	fd            int
	reactor       *reactor // nil if nobody but the goroutine reads
	reading       readOwner
	born          time.Duration // Server.uptime at accept
	user          atomic.Pointer[login]
	authenticated atomic.Bool

	in      []byte // input: in[start:] is not yet framed
	start   int
	framer  resp.Framer
	handed  []byte        // whole requests for redcon
	taken   int           // bytes of them that it has
	now     time.Duration // Server.uptime of the batch
	started bool

	readTo       func(fd uintptr) bool
	readN        int
	readErrno    unix.Errno
	drained      bool        // the socket held no more at the last read
	ending       atomic.Bool // ... but it ends, or failed: set by the reactor
	fastPathOnly bool        // the reactor frames
	failure      error       // what its read failed with

	reply    []byte // replies not yet in the queue
	muted    bool   // CLIENT REPLY OFF
	skip     int    // replies to leave out: CLIENT REPLY SKIP
	leaving  bool   // close once what is queued is sent
	dropping bool   // close at once

	count     uint64           // commands not yet in Server.stats
	lastSet   *command.Command // what last holds
	recent    recent
	rights    rights
	requests  []Request // for the loop, not yet submitted
	lagging   int       // of them those whose replies may be late
	oneByOne  bool      // the last reply of the loop was long
	finish    []finisher
	checkedAs []*command.Command // what each of the requests was allowed as; nil = it is our own
	async     *asyncReplies      // nil until replies were
	batch     *batch
	answered  chan struct{} // a wake-up from Server.Respond
	gone      chan struct{} // closed by kill
	closeOnce sync.Once
	killOnce  sync.Once
	killed    atomic.Bool

	// For CLIENT LIST and housekeeping; written by the connection's goroutine.
	active   atomic.Int64 // uptime of the last request
	last     atomic.Pointer[command.Command]
	inLen    atomic.Int64
	inCap    atomic.Int64
	argBytes atomic.Int64
	parked   atomic.Bool
	noEvict  atomic.Bool

	mu       sync.Mutex // guards what follows; its own goroutine alone writes info and subs
	info     identity
	subs     subscriptions
	tracking tracking
	output   output
}

// identity is what a client says about itself.
type identity struct {
	name, libName, libVer string
	proto                 int
}

func newClient(s *Server, conn, sock net.Conn) *client {
	c := &client{
		s: s, conn: conn, sock: sock, born: s.uptime(), fd: -1,
		reading:  readOwner{given: make(chan struct{}, 1)},
		answered: make(chan struct{}, 1), gone: make(chan struct{}),
		info: identity{proto: 2},
	}
	c.framer.MaxBulk = s.o.ProtoMaxBulkLen
	c.addr, c.laddr, c.unix = endpoints(sock)
	c.active.Store(int64(c.born))
	if sc, ok := sock.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { c.fd = int(fd) })
			if conn == sock {
				c.output.init(raw)
				c.readTo = c.readSome
			}
		}
	}
	return c
}

// Read gives redcon requests. It answers by itself what it can, and returns
// only when something is left for redcon or the connection is to end.
func (c *client) Read(p []byte) (int, error) {
	for {
		if c.dropping {
			return 0, io.EOF
		}
		if c.leaving {
			return 0, c.depart()
		}
		if c.taken < len(c.handed) {
			n := copy(p, c.handed[c.taken:])
			c.taken += n
			return n, nil
		}
		c.handed, c.taken = c.handed[:0], 0
		all := c.frame()
		if len(c.handed) > 0 || c.leaving || c.dropping {
			continue
		}
		c.flush()
		// Who does not read is not read either: where no limit is set, that bounds its memory.
		if !c.awaitRoom() {
			return 0, io.EOF
		}
		if !all {
			continue
		}
		if err := c.fill(); err != nil {
			return 0, c.inputEnded(err)
		}
	}
}

// frame goes through the requests that are there: those that can be answered
// at once are, until one is not; from then on they are handed to redcon. False
// if something stopped it before all was framed.
func (c *client) frame() bool {
	c.framer.Authenticated = c.mayTalk()
	for !c.leaving && !c.dropping && len(c.handed) < handOverSize && len(c.reply) < flushSize {
		rest := c.in[c.start:]
		args, n, err := c.framer.Next(rest)
		switch {
		case errors.Is(err, resp.ErrShort):
			return len(c.handed) == 0
		case err != nil:
			// The reply to a protocol error closes the connection: it comes behind all that was
			// asked before.
			if len(c.handed) > 0 || c.fastPathOnly && c.owesReplies() {
				return false // comes again after the answers to what came before
			}
			c.submitAndWait()
			c.logProtocolError(err, rest[c.framer.Framed():])
			c.say(resp.Err("ERR " + err.Error()))
			c.leaving = true
			return false
		// It has its place in the order, by which CLIENT REPLY SKIP counts.
		case len(args) == 0 && len(c.handed) > 0:
			return false
		case len(args) == 0:
			c.start += n
			c.skip = max(0, c.skip-1) // an empty request counts for CLIENT REPLY SKIP
			continue
		}
		// Behind what is handed over nothing is answered here, or replies would change places.
		if len(c.handed) == 0 {
			switch {
			case c.fastPath(args):
				c.start += n
				continue
			case n > bigRequest && c.fastPathOnly:
				return false
			case n > bigRequest:
				c.in, c.start = append(make([]byte, 0, max(readSize, len(rest)-n)), rest[n:]...), 0 // args keeps the old one
				c.serve(args, nil)
				continue
			}
		} else if n > bigRequest {
			return false
		}
		c.handed = resp.AppendHeader(c.handed, '*', int64(len(args)))
		for _, a := range args {
			c.handed = resp.AppendBulk(c.handed, a)
		}
		c.start += n
	}
	return false
}

// fill reads more input behind what is there, and waits for it.
func (c *client) fill() error {
	if c.reactor == nil {
		return c.fillAlone()
	}
	for {
		if !c.drained {
			if err := c.receive(c.s.uptime()); err != unix.EAGAIN {
				return err
			}
		}
		// Before the turn ends: behind that the reactor may have it all.
		c.publishState()
		if !c.reading.release() {
			c.drained = false
			continue
		}
		c.rest()
		if c.failure != nil {
			c.flush() // what the reactor answered before
		}
		return c.failure
	}
}

// publishState brings what others see of the client up to date, when it has
// nothing more to answer.
func (c *client) publishState() {
	c.countUp()
	if rest := int64(len(c.in) - c.start); rest != c.inLen.Load() {
		c.inLen.Store(rest)
	}
}

// fillAlone is fill without a reactor.
func (c *client) fillAlone() error {
	c.publishState()
	c.makeRoom()
	if !c.started {
		c.started = true
		if t, ok := c.conn.(*tls.Conn); ok {
			ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
			defer cancel()
			if err := t.HandshakeContext(ctx); err != nil {
				return err
			}
		}
	}
	n, err := c.conn.Read(c.in[len(c.in):cap(c.in)])
	if n == 0 {
		if err == nil {
			err = io.ErrNoProgress
		}
		return err
	}
	return c.received(n, c.s.uptime())
}

// receive reads what is there; EAGAIN if that is nothing.
func (c *client) receive(now time.Duration) error {
	c.makeRoom()
	if err := c.output.raw.Read(c.readTo); err != nil {
		return err
	}
	switch {
	case c.readErrno == unix.EAGAIN:
		c.drained = true
		return unix.EAGAIN
	case c.readErrno != 0:
		return c.readErrno
	case c.readN == 0:
		return io.EOF
	}
	c.drained = c.readN < cap(c.in)-len(c.in) && !c.ending.Load()
	return c.received(c.readN, now)
}

func (c *client) readSome(fd uintptr) bool {
	c.readN, c.readErrno = epoll.Read(fd, c.in[len(c.in):cap(c.in)])
	return true // whatever came of it: never wait
}

// received takes n bytes that were read into the room behind the input.
func (c *client) received(n int, now time.Duration) error {
	c.in = c.in[:len(c.in)+n]
	c.now = now
	c.active.Store(int64(now))
	c.inLen.Store(int64(len(c.in)))
	c.inCap.Store(int64(cap(c.in)))
	c.s.stats.netIn.Add(uint64(n))
	c.s.stats.reads.Add(1)
	// What has been announced costs nothing, but each argument that is there costs more than its
	// bytes.
	if int64(c.framer.Cost(c.in)) > c.s.o.QueryBufferLimit {
		c.s.log.Warn("Closing client that reached max query buffer length: " + c.line() + " (qbuf initial bytes: " + repr(c.in[:min(len(c.in), 64)]) + ")")
		c.dropping = true
		return io.EOF
	}
	return nil
}

// makeRoom moves what is not framed yet to the front and grows the buffer by
// what is there, never by what was announced.
func (c *client) makeRoom() {
	rest := len(c.in) - c.start
	switch {
	case rest == 0 && (cap(c.in) > 2*readSize || cap(c.in) == 0):
		c.in = make([]byte, 0, firstRead)
	case rest == 0:
		if cap(c.in) < readSize && len(c.in) == cap(c.in) {
			c.in = make([]byte, 0, readSize)
		}
		c.in = c.in[:0]
	case c.start > 0:
		c.in = c.in[:copy(c.in, c.in[c.start:])]
		fallthrough
	default:
		if cap(c.in)-len(c.in) < cap(c.in)/2 {
			c.in = append(make([]byte, 0, max(2*cap(c.in), readSize)), c.in...)
		}
	}
	c.start = 0
}

// inputEnded says what a failed read means to redcon.
func (c *client) inputEnded(err error) error {
	if c.owesReplies() && !c.dropping {
		c.submitAndWait()
		c.awaitSent(lingerTimeout)
	}
	if c.s.closing.Load() && !c.dropping {
		return c.depart()
	}
	c.logEnd(err)
	return err
}

// depart ends the connection in good order: what is queued is sent, then the
// client has a moment to read it before the socket closes, since closing with
// input unread would take it back.
func (c *client) depart() error {
	c.flush()
	if c.awaitSent(lingerTimeout) {
		if w, ok := c.sock.(interface{ CloseWrite() error }); ok && c.conn == c.sock {
			// It sees the end behind the last reply, while we still take what it sends.
			_ = w.CloseWrite()
			if !c.s.closing.Load() {
				_ = c.sock.SetReadDeadline(time.Now().Add(lingerTimeout))
				_, _ = io.CopyN(io.Discard, c.sock, lingerBytes)
			}
		}
	}
	return io.EOF
}

// lingerBytes is how much input is thrown away at most in depart.
const lingerBytes = 1 << 20

// stopReading makes the next read fail: what has been received will be
// answered, and nothing more.
func (c *client) stopReading() { _ = c.sock.SetReadDeadline(time.Unix(1, 0)) }

// Write takes what redcon itself has to say: nothing, its flush after a batch
// comes here empty.
func (c *client) Write(p []byte) (int, error) {
	c.reply = append(c.reply, p...)
	return len(p), nil
}

// Close forgets the client; redcon calls it when the connection is over.
func (c *client) Close() error {
	c.closeOnce.Do(func() {
		// First: from here on the hub queues nothing for it any more.
		c.kill()
		if c.reactor != nil {
			c.reactor.forget(c)
		}
		c.s.hub.forget(c)
		c.s.stats.tracking.Add(-count(c.tracking.on))
		c.s.mu.Lock()
		delete(c.s.clients, c.id)
		c.s.mu.Unlock()
	})
	return nil
}

// kill cuts the connection now, from any goroutine; its own goroutine notices
// and calls Close.
func (c *client) kill() {
	c.killOnce.Do(func() {
		c.killed.Store(true)
		c.mu.Lock()
		// Before gone is closed: who wakes up by that looks here.
		c.output.dead = true
		if c.output.counted {
			c.output.counted = false
			c.s.stats.overSoft.Add(-1)
		}
		c.mu.Unlock()
		close(c.gone)
		c.sock.Close()
	})
}

// LocalAddr is our end of the connection.
func (c *client) LocalAddr() net.Addr { return c.sock.LocalAddr() }

// RemoteAddr is the client's end of the connection.
func (c *client) RemoteAddr() net.Addr { return c.sock.RemoteAddr() }

// SetDeadline is there for net.Conn; redcon does not call it.
func (c *client) SetDeadline(t time.Time) error { return c.sock.SetDeadline(t) }

// SetReadDeadline is there for net.Conn; redcon does not call it.
func (c *client) SetReadDeadline(t time.Time) error { return c.sock.SetReadDeadline(t) }

// SetWriteDeadline is there for net.Conn; redcon does not call it.
func (c *client) SetWriteDeadline(t time.Time) error { return c.sock.SetWriteDeadline(t) }

// repr shows input in a log line: printable, quoted.
func repr(b []byte) string {
	const hex = "0123456789abcdef"
	out := []byte{'"'}
	for _, ch := range b {
		switch {
		case ch == '\\' || ch == '"':
			out = append(out, '\\', ch)
		case ch == '\n':
			out = append(out, `\n`...)
		case ch == '\r':
			out = append(out, `\r`...)
		case ch == '\t':
			out = append(out, `\t`...)
		case ch == '\a':
			out = append(out, `\a`...)
		case ch == '\b':
			out = append(out, `\b`...)
		case ch < ' ' || ch > '~':
			out = append(out, '\\', 'x', hex[ch>>4], hex[ch&15])
		default:
			out = append(out, ch)
		}
	}
	return string(append(out, '"'))
}
