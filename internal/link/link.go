package link

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"gosentinel/internal/resp"
)

// tagSubscribe stands for the SUBSCRIBE of a pubsub link among the unanswered.
const tagSubscribe = ^uint64(0)

// phase is how far a link is.
type phase uint8

const (
	dialing phase = iota
	open
	over // nothing is sent or written any more
)

// link is one connection. Its owner, one goroutine after the other (open, then
// read), makes it, reads it, tells what happens and closes it. The goroutine of
// the Set only queues, writes what the socket takes at once, and sets what
// makes the owner end: closing a connection waits for its reader, who may wait
// for room in the Sink's queue.
type link struct {
	shared *shared
	id     uint64
	pubsub bool
	cancel context.CancelFunc // ends the attempt to connect

	mu         sync.Mutex
	phase      phase
	conn       net.Conn
	raw        syscall.RawConn // nil with TLS, where writes can only be waited for
	tryWrite   func(fd uintptr) bool
	out        buffer
	writing    bool // a drain goroutine is at work
	inFlight   int  // bytes that it is writing
	writeErr   error
	dirty      bool // in Set.dirty
	unanswered ring
	fault      string    // why it was dropped, "" if it was not
	hungUp     bool      // nobody wants to hear of it any more
	graceEnd   time.Time // when a hung up link is closed in any case

	// What only the owner touches.
	in   []byte // the beginning of a reply; nil between replies
	want int    // bytes that in must hold for another try to decode
	err  error
}

// open makes the connection and goes on as read.
func (l *link) open(ctx context.Context, o DialOptions) {
	conn, err := l.shared.dial(ctx, o)
	l.cancel()
	l.mu.Lock()
	if err != nil || l.fault != "" {
		l.mu.Unlock()
		if conn != nil {
			conn.Close()
		}
		l.end(err)
		return
	}
	l.conn, l.phase = conn, open
	if tcp, ok := conn.(*net.TCPConn); ok {
		l.raw, _ = tcp.SyscallConn() // fails for no connection that is open
		l.tryWrite = l.writeSome
	}
	quiet := l.hungUp
	if l.hungUp {
		l.closeSoon()
	} else {
		l.write()
	}
	l.mu.Unlock()
	if !quiet {
		l.shared.sink(Event{Link: l.id, Kind: Up, Text: localIP(conn)})
	}
	go l.read() // a new goroutine, since dialing needs a large stack
}

// dial connects.
//
// Rule: B-112, B-123.
func (sh *shared) dial(ctx context.Context, o DialOptions) (net.Conn, error) {
	ip, err := netip.ParseAddr(o.IP)
	if err == nil {
		err = sh.sourceErr
	}
	if err != nil {
		return nil, err
	}
	var d net.Dialer // with TCP_NODELAY and keepalive
	if sh.source.IsValid() {
		d.LocalAddr, d.Control = net.TCPAddrFromAddrPort(sh.source), portAtConnect
	}
	// DialTCP would bind even without a source: a port to be searched for, and
	// not to be shared between destinations.
	tcp, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(ip, uint16(o.Port)).String())
	if err != nil {
		return nil, err
	}
	if sh.tls == nil {
		return tcp, nil
	}
	cfg := sh.tls()
	if cfg == nil {
		tcp.Close()
		return nil, errNoTLS
	}
	conn := tls.Client(tcp, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		tcp.Close()
		return nil, err
	}
	return conn, nil
}

// send queues commands. It reports whether the link must be flushed.
func (l *link) send(tag uint64, cmds [][]string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.phase == over || l.fault != "" || len(cmds) == 0 {
		return false
	}
	l.out.take(outBlocks)
	for i, cmd := range cmds {
		l.out.b = resp.AppendCommand(l.out.b, cmd...)
		switch {
		case l.pubsub && len(cmd) == 2 && cmd[1] == helloChannel:
			l.unanswered.push(tagSubscribe)
		case i == len(cmds)-1:
			l.unanswered.push(tag)
		default:
			l.unanswered.push(0)
		}
	}
	if l.unanswered.n > maxUnanswered {
		l.dropLocked("too many unanswered commands")
		return false
	}
	if len(l.out.b)+l.inFlight > maxQueuedBytes {
		l.dropLocked("too many commands queued")
		return false
	}
	first := !l.dirty && l.phase == open
	l.dirty = l.dirty || first
	return first
}

// flush writes what is queued, or sees to it that it will be.
func (l *link) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dirty = false
	l.write()
}

// write hands what is queued to the socket, and what it does not take at once
// to a drain goroutine. The caller holds mu.
func (l *link) write() {
	if l.phase != open || l.writing || l.fault != "" || len(l.out.b) == 0 {
		return
	}
	if l.raw != nil {
		err := l.raw.Write(l.tryWrite)
		if err == nil {
			err = l.writeErr
		}
		if err != nil {
			l.dropLocked(Reason(err))
			return
		}
	}
	if len(l.out.b) > 0 {
		l.writing = true
		go l.drain()
	}
}

// writeSome writes as much as the socket takes without waiting.
func (l *link) writeSome(fd uintptr) bool {
	done := 0
	for done < len(l.out.b) {
		n, err := syscall.Write(int(fd), l.out.b[done:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			if err != syscall.EAGAIN {
				l.writeErr = err
			}
			break
		}
		done += n
	}
	l.out.skip(done)
	return true
}

// drain is a goroutine that writes until nothing is queued.
func (l *link) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.fault == "" && l.phase == open && len(l.out.b) > 0 {
		out := l.out
		l.out, l.inFlight = buffer{}, len(out.b)
		l.mu.Unlock()
		_, err := l.conn.Write(out.b)
		out.skip(len(out.b))
		l.mu.Lock()
		l.inFlight = 0
		if err != nil {
			l.dropLocked(Reason(err))
		}
	}
	if l.hungUp && l.fault == "" {
		l.closeWrite()
	}
	l.writing = false
}

// hangup has the link closed once what is queued is delivered.
func (l *link) hangup() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hungUp = true
	switch {
	case l.phase == open:
		l.closeSoon()
	case len(l.out.b) == 0:
		l.cancel()
	default:
		l.graceEnd = time.Now().Add(hangupGrace)
		time.AfterFunc(hangupGrace, l.cancel)
	}
}

// closeSoon delivers what is queued and says that no more will follow; the far
// end then closes, or the grace ends. Until then the owner reads on: closing
// with bytes unread would take back what the far end has not read. The caller
// holds mu.
func (l *link) closeSoon() {
	if l.fault != "" {
		return
	}
	if l.graceEnd.IsZero() {
		l.graceEnd = time.Now().Add(hangupGrace)
	}
	l.conn.SetDeadline(l.graceEnd)
	l.write()
	if l.writing || l.fault != "" {
		return // drain ends it
	}
	if l.raw == nil {
		l.writing = true
		go l.drain() // TLS has a last record to write
		return
	}
	l.closeWrite()
}

// closeWrite tells the far end that nothing follows. The caller holds mu.
func (l *link) closeWrite() {
	if c, ok := l.conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite() // a failure ends the read as well
	}
}

// quit ends the link at once; nothing is told of it.
func (l *link) quit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hungUp = true
	l.dropLocked("closed")
}

// drop ends the link at once, for a reason.
func (l *link) drop(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropLocked(reason)
}

// dropLocked is drop for those who hold mu.
func (l *link) dropLocked(reason string) {
	if l.fault != "" || l.phase == over {
		return
	}
	l.fault = reason
	l.cancel()
	if l.conn != nil {
		l.conn.SetDeadline(time.Unix(1, 0)) // wakes owner and drain
	}
}

// end is the last act of the owner: the link is over because of err, or of the
// fault for which it was dropped.
func (l *link) end(err error) {
	l.mu.Lock()
	l.phase = over
	reason, quiet := l.fault, l.hungUp
	l.out.skip(len(l.out.b))
	l.unanswered = ring{}
	conn := l.conn
	l.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
	if quiet {
		return
	}
	if reason == "" {
		reason = Reason(err)
	}
	l.shared.sink(Event{
		Link: l.id, Kind: Down, Text: reason,
		Refused: conn == nil && errors.Is(err, syscall.ECONNREFUSED),
	})
}

// localIP is the address of a connection's own end.
func localIP(c net.Conn) string {
	a, ok := c.LocalAddr().(*net.TCPAddr)
	if !ok {
		return ""
	}
	return a.AddrPort().Addr().Unmap().WithZone("").String()
}

// Reason is the text of err for a log line, as strerror(3) would put it.
func Reason(err error) string {
	var no syscall.Errno
	var timeout net.Error
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return "Server closed the connection"
	case errors.As(err, &no):
		text := []byte(no.Error())
		if text[0] >= 'a' && text[0] <= 'z' {
			text[0] -= 'a' - 'A'
		}
		return string(text)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "Connection timed out"
	}
	return err.Error()
}
