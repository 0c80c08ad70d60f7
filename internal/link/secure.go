package link

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Sizes of what is moved through a TLS connection at a time, in bytes.
const (
	secureRead  = 4 << 10
	secureWrite = 64 << 10
)

// errNoTLS says that the TLS context is missing.
//
// Rule: B-123.
const errNoTLS = failure("Failed to initialize TLS")

// secure is a TLS connection. crypto/tls knows only calls that wait, so
// goroutines make them and leave what came of it in Set.mail.
type secure struct {
	set    *Set
	link   *link
	ctx    context.Context // done when the link is over
	cancel context.CancelFunc
	taken  chan struct{} // the loop has taken what was read

	mu      sync.Mutex
	conn    *tls.Conn // nil while it is being made
	shaking bool      // … by a handshake
	writing bool      // a goroutine is at it
	ending  bool      // nothing follows
}

// notice is what happened to a TLS connection: the kind of it is what is set.
type notice struct {
	of      *secure
	localIP string // it is established
	came    []byte // this was read
	room    bool   // it can be written to again
	err     error  // it is over
}

// dialTLS starts a TLS connection.
func (l *link) dialTLS(to netip.AddrPort, timeout time.Duration) {
	t := &secure{set: l.set, link: l, taken: make(chan struct{}, 1)}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	l.transport = t
	go func() {
		conn, err := t.make(to, timeout)
		if err != nil {
			t.post(notice{of: t, err: err})
			return
		}
		t.read(conn)
	}()
}

// make connects.
func (t *secure) make(to netip.AddrPort, timeout time.Duration) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(t.ctx, timeout)
	defer cancel()
	var d net.Dialer // with TCP_NODELAY and keepalive
	if t.set.source.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(t.set.source)
	}
	tcp, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	cfg := t.set.tls()
	if cfg == nil {
		tcp.Close()
		return nil, errNoTLS
	}
	conn := tls.Client(tcp, cfg)
	t.mu.Lock()
	t.shaking = true
	t.mu.Unlock()
	if err := conn.HandshakeContext(ctx); err != nil {
		tcp.Close()
		return nil, handshakeFailure(err)
	}
	t.mu.Lock()
	t.conn = conn
	t.mu.Unlock()
	if t.ctx.Err() != nil {
		tcp.Close() // close came too early to see it
		return nil, t.ctx.Err()
	}
	local, _ := netip.ParseAddrPort(tcp.LocalAddr().String())
	t.post(notice{of: t, localIP: local.Addr().Unmap().WithZone("").String()})
	return conn, nil
}

// handshakeFailure says of an error that TLS is what it came of: whoever answers
// there may be well.
func handshakeFailure(err error) error { return failure("TLS handshake: " + Reason(err)) }

// overdue is why a link has had its time.
func (l *link) overdue() error {
	if t, ok := l.transport.(*secure); ok && l.phase == dialing {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.shaking {
			return handshakeFailure(unix.ETIMEDOUT)
		}
	}
	return unix.ETIMEDOUT
}

// read reads until the end. What it has read is taken before it goes on.
func (t *secure) read(conn *tls.Conn) {
	var buf [secureRead]byte
	for {
		n, err := conn.Read(buf[:])
		if n > 0 {
			t.post(notice{of: t, came: buf[:n]})
			select {
			case <-t.taken:
			case <-t.ctx.Done():
				return
			}
		}
		if err != nil {
			t.post(notice{of: t, err: err})
			return
		}
	}
}

// post leaves a notice for the loop.
func (t *secure) post(n notice) {
	t.set.mu.Lock()
	t.set.mail = append(t.set.mail, n)
	t.set.mu.Unlock()
	t.set.Wake()
}

// readMail handles what happened to TLS connections.
func (s *Set) readMail() {
	s.mu.Lock()
	mail := s.mail
	s.mail = nil
	s.mu.Unlock()
	for _, n := range mail {
		l := n.of.link
		switch {
		case l.phase == over:
		case n.err != nil:
			l.end(n.err)
		case n.localIP != "":
			l.established(n.localIP)
			l.write()
		case n.room:
			l.write()
		default:
			l.take(n.came)
			n.of.taken <- struct{}{}
		}
	}
}

func (t *secure) write(b []byte) (int, unix.Errno) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writing {
		return 0, unix.EAGAIN
	}
	b = bytes.Clone(b[:min(len(b), secureWrite)])
	t.writing = true
	go t.drain(b)
	return len(b), 0
}

// drain writes b and says that there is room again.
func (t *secure) drain(b []byte) {
	_, err := t.conn.Write(b)
	t.mu.Lock()
	t.writing = false
	ending := t.ending
	t.mu.Unlock()
	if ending && err == nil {
		err = t.conn.CloseWrite()
	}
	t.post(notice{of: t, room: true, err: err})
}

func (t *secure) closeWrite() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ending = true
	if !t.writing {
		t.writing = true
		go t.drain(nil)
	}
}

func (t *secure) close() {
	t.cancel()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn != nil {
		_ = t.conn.NetConn().Close() // without a last word, which would wait for room
	}
}
