package listener

import (
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gosentinel/internal/acl"
)

// What a client hears that is not let in.
//
// Rule: K-6.1.
const (
	maxClientsText = "-ERR max number of clients reached\r\n"
	protectedText  = "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. " +
		"In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may " +
		"adopt one of the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the " +
		"loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible " +
		"from internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode " +
		"by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started " +
		"the server manually just for testing, restart it with the '--protected-mode no' option. 4) Set up an authentication password for the " +
		"default user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.\r\n"
)

const (
	acceptRetry      = 100 * time.Millisecond // after a failed accept (no descriptors left, ...)
	refusalTimeout   = time.Second            // for telling somebody why
	maxRefusals      = spareFiles / 2         // TLS clients being told at a time, each with a descriptor; more are closed untold
	handshakeTimeout = 10 * time.Second
)

// clientListener is a listening socket as redcon sees it: it hands out only clients that
// are let in.
type clientListener struct {
	s  *Server
	ln net.Listener
}

// Accept gives the next client. After the Server's Close it waits until all
// connections may go, since redcon closes them when it fails.
func (d *clientListener) Accept() (net.Conn, error) {
	for {
		conn, err := d.ln.Accept()
		if err == nil {
			if c := d.s.admit(conn); c != nil {
				return c, nil
			}
			continue
		}
		if d.s.closing.Load() || errors.Is(err, net.ErrClosed) {
			<-d.s.closed
			return nil, net.ErrClosed
		}
		d.s.log.Warn("Accepting client connection: " + acceptReason(err))
		select {
		case <-time.After(acceptRetry):
		case <-d.s.closed:
		}
	}
}

// Close closes the socket.
func (d *clientListener) Close() error { return d.ln.Close() }

// Addr is the address of the socket.
func (d *clientListener) Addr() net.Addr { return d.ln.Addr() }

func acceptReason(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return "accept: " + errnoText(errno)
	}
	return err.Error()
}

// admit makes a client of conn, or refuses it and returns nil.
//
// Rule: K-6.1, C-75, C-77.
func (s *Server) admit(conn net.Conn) *client {
	sock := conn
	if t, ok := conn.(*tls.Conn); ok {
		sock = t.NetConn()
	}
	if s.o.ProtectedMode && s.nopass.Load() && !isLocal(sock) {
		s.verbose(func() string { return "Accepted " + bareEndpoint(sock.RemoteAddr()) })
		s.refuse(conn, protectedText)
		return nil
	}
	c := newClient(s, conn, sock)
	c.logAccepted()
	s.usersMu.RLock() // until it is listed: whoever changes users sees it, or it sees the change
	c.user.Store(loginOf(s.o.Users.User(acl.DefaultUser)))
	c.authenticated.Store(s.open.Load())
	s.mu.Lock()
	// Looked at under the lock: Reserve sees the client, or this sees what Reserve has kept.
	full := len(s.clients) >= s.o.MaxClients || !s.reserve.spares(s, c.fd, len(s.clients))
	if !full {
		s.lastID++
		c.id = s.lastID
		s.clients[c.id] = c
	}
	if s.closing.Load() {
		c.stopReading()
	}
	s.mu.Unlock()
	s.usersMu.RUnlock()
	if full {
		s.refuse(conn, maxClientsText)
		return nil
	}
	s.watched(c)
	s.stats.connections.Add(1)
	if t, ok := sock.(*net.TCPConn); ok {
		_ = t.SetKeepAliveConfig(keepalive(s.o.TCPKeepalive))
	}
	return c
}

// keepalive asks every period, three times in all when nothing comes back.
func keepalive(period time.Duration) net.KeepAliveConfig {
	if period <= 0 {
		return net.KeepAliveConfig{Enable: false}
	}
	return net.KeepAliveConfig{Enable: true, Idle: period, Interval: max(period/3, time.Second), Count: 3}
}

// refuse tells why and closes. Nothing is read, and nobody waits for it.
func (s *Server) refuse(conn net.Conn, text string) {
	s.stats.rejected.Add(1)
	tell := func() {
		_ = conn.SetDeadline(time.Now().Add(refusalTimeout))
		_, _ = conn.Write([]byte(text))
		conn.Close()
	}
	if _, ok := conn.(*tls.Conn); !ok {
		tell() // the socket is new: its buffer takes the text at once
		return
	}
	if s.stats.refusing.Add(1) > maxRefusals {
		s.stats.refusing.Add(-1)
		conn.Close()
		return
	}
	go func() {
		defer s.stats.refusing.Add(-1)
		tell()
	}()
}

// isLocal tells whether a peer counts as local for protected mode.
func isLocal(conn net.Conn) bool {
	a, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return true
	}
	v4 := a.IP.To4()
	return v4 != nil && v4[0] == 127 || v4 == nil && a.IP.IsLoopback()
}

// endpoints gives addr and laddr of CLIENT LIST.
//
// Rule: K-6.5.
func endpoints(sock net.Conn) (addr, laddr string, unix bool) {
	if u, ok := sock.LocalAddr().(*net.UnixAddr); ok {
		path := u.Name + ":0"
		return path, path, true
	}
	return endpoint(sock.RemoteAddr()), endpoint(sock.LocalAddr()), false
}

func endpoint(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String()
	}
	if strings.Contains(t.IP.String(), ":") {
		return "[" + t.IP.String() + "]:" + strconv.Itoa(t.Port)
	}
	return bareEndpoint(a)
}

// bareEndpoint is an endpoint without brackets, as the log of accepted
// connections has it.
func bareEndpoint(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String()
	}
	return t.IP.String() + ":" + strconv.Itoa(t.Port)
}
