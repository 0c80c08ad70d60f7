package listener

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"gosentinel/internal/resp"
)

// Rule: K-6.1, C-77.
func TestMaxClients(t *testing.T) {
	w := start(t, func(o *Options) { o.MaxClients = 2 })
	a, b := w.dial(), w.dial()
	a.ask("PING", "+PONG\r\n")
	b.ask("PING", "+PONG\r\n")
	c := w.dial()
	c.expect("-ERR max number of clients reached\r\n")
	c.closed()
	a.conn.Close()
	eventually(t, func() bool { return w.s.connected() == 1 }, "the first client remains")
	d := w.dial()
	d.ask("PING", "+PONG\r\n")
	info := d.bulk("INFO stats")
	require.Contains(t, info, "total_connections_received:3\r\n")
	require.Contains(t, info, "rejected_connections:1\r\n")
}

type strangers struct{ net.Listener }

type stranger struct{ *net.TCPConn }

func (stranger) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 4} }

func (s strangers) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return stranger{conn.(*net.TCPConn)}, nil
}

// Rule: K-6.1, C-75: strangers are refused while default has no password.
func TestProtectedMode(t *testing.T) {
	w := start(t, func(o *Options) { o.ProtectedMode = true })
	ln, err := Listen("127.0.0.1", 0, 511, 0)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- w.s.Serve(strangers{ln}) }()
	home, away := w.addr, ln.Addr().String()

	w.dial().ask("PING", "+PONG\r\n")
	w.addr = away
	u := w.dial()
	u.expect(protectedText)
	u.closed()
	require.True(t, strings.HasPrefix(protectedText, "-DENIED Redis is running in protected mode because"))

	w.addr = home
	admin := w.dial()
	admin.ask("ACL SETUSER default off", "+OK\r\n")
	w.addr = away
	w.dial().expect("-DENIED")
	admin.ask("ACL SETUSER default on >secret", "+OK\r\n")
	w.dial().ask("PING", "-NOAUTH Authentication required.\r\n")
	w.addr = home
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, w.s.Close(ctx))
	require.NoError(t, <-done)
}

// Rule: K-6.1, peers that count as local.
func TestIsLocal(t *testing.T) {
	for ip, want := range map[string]bool{"127.0.0.1": true, "127.9.9.9": true, "::1": true, "10.0.0.1": false, "::2": false, "128.0.0.1": false} {
		require.Equal(t, want, isLocal(addressed{&net.TCPAddr{IP: net.ParseIP(ip)}}), ip)
	}
	require.True(t, isLocal(addressed{&net.UnixAddr{Name: "/x"}}))
}

type addressed struct{ addr net.Addr }

func (a addressed) RemoteAddr() net.Addr           { return a.addr }
func (addressed) LocalAddr() net.Addr              { return nil }
func (addressed) Read([]byte) (int, error)         { return 0, io.EOF }
func (addressed) Write([]byte) (int, error)        { return 0, io.EOF }
func (addressed) Close() error                     { return nil }
func (addressed) SetDeadline(time.Time) error      { return nil }
func (addressed) SetReadDeadline(time.Time) error  { return nil }
func (addressed) SetWriteDeadline(time.Time) error { return nil }

// Rule: K-6.1, idle clients are closed, subscribed ones are not.
func TestTimeout(t *testing.T) {
	w := start(t, func(o *Options) { o.Timeout = time.Second })
	idle, listening := w.dial(), w.dial()
	listening.ask("SUBSCRIBE a", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	idle.ask("PING", "+PONG\r\n")
	idle.closed()
	w.publish("a", "x")
	listening.expect(messageText("message", "a", "x"))
}

// Rule: K-8.3, too much unread input closes without a word.
func TestQueryBufferLimit(t *testing.T) {
	w := start(t, func(o *Options) { o.QueryBufferLimit = 1 << 20 })
	u := w.dial()
	go func() { _, _ = io.WriteString(u.conn, "*2\r\n$4\r\nPING\r\n$4000000\r\n"+strings.Repeat("x", 4000000)) }()
	u.closed()
	require.Contains(t, w.logs.String(), "Closing client that reached max query buffer length: id=1 ")
}

// Rule: K-8.2, until authenticated little is accepted; AUTH within a pipeline
// lifts that for what follows it.
func TestStrangersLimits(t *testing.T) {
	secret := func(o *Options) { o.Users.SetRequirePass("secret") }
	eleven := multibulk(strings.Fields("SUBSCRIBE a b c d e f g h i j")...)
	t.Run("refused", func(t *testing.T) {
		u := start(t, secret).dial()
		u.ask("PING", "-NOAUTH Authentication required.\r\n")
		u.send(eleven)
		u.expect("-ERR Protocol error: unauthenticated multibulk length\r\n")
		u.closed()
	})
	t.Run("lifted", func(t *testing.T) {
		u := start(t, secret).dial()
		u.send("AUTH secret\r\n" + eleven)
		u.expect("+OK\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	})
	t.Run("memory stays small", func(t *testing.T) {
		w := start(t, secret)
		u := w.dial()
		u.send("*10\r\n" + strings.Repeat("$16384\r\n"+strings.Repeat("x", 16384)+"\r\n", 9) + "$16384\r\n")
		eventually(t, func() bool {
			all := w.s.all() // empty until it is accepted
			return len(all) == 1 && all[0].inLen.Load() > 9*16384
		}, "not read")
		require.Less(t, w.s.all()[0].inCap.Load(), int64(400<<10))
	})
}

// Rule: K-8.3, a reply beyond the hard limit of class normal closes the client.
func TestNormalLimit(t *testing.T) {
	w := start(t, func(o *Options) { o.OutputNormal = OutputLimit{Hard: 4096} })
	u := w.dial()
	u.ask("PING", "+PONG\r\n")
	u.send("COMMAND DOCS\r\n")
	u.closed()
}

// A client that asks and never reads waits, and costs a bounded amount.
func TestNoReaderWaits(t *testing.T) {
	w := start(t)
	u := w.dial()
	big := strings.Repeat("x", 256<<10)
	sent := make(chan int, 1)
	go func() {
		n := 0
		_ = u.conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
		for range 1000 {
			k, err := io.WriteString(u.conn, multibulk("PING", big))
			n += k
			if err != nil {
				break
			}
		}
		sent <- n
	}()
	require.Less(t, <-sent, 100<<20, "input was taken without end")
	c := w.s.all()[0]
	c.mu.Lock()
	pending := c.output.pending
	c.mu.Unlock()
	require.Less(t, pending, int64(4<<20))
	w.dial().ask("PING", "+PONG\r\n")
}

// Who asks for long replies has one made at a time, who asks for short ones many
// at once.
//
// Rule: K-8.3.
func TestLongRepliesAreMadeOneByOne(t *testing.T) {
	w := start(t)
	short, long := "x", strings.Repeat("x", longReply)
	w.loop.do(func() {
		w.loop.answer = func(l *loop, r Request) {
			text := short
			if string(r.Args[1]) == "masters" {
				text = long
			}
			l.s.Respond(r.ID, resp.Str(text))
		}
	})
	u := w.dial()
	u.ask("SENTINEL masters", bulkText(long))
	w.loop.sizes()
	u.send(strings.Repeat("SENTINEL masters\r\n", 20) + strings.Repeat("SENTINEL myid\r\n", 20))
	u.expect(strings.Repeat(bulkText(long), 20) + strings.Repeat(bulkText(short), 20))
	require.Equal(t, append(slices.Repeat([]int{1}, 21), 19), w.loop.sizes())
}

// A large request passes redcon by; order and answers are as ever.
func TestLargeRequests(t *testing.T) {
	w := start(t)
	u := w.dial()
	big := strings.Repeat("y", 3<<20)
	go func() {
		_, _ = io.WriteString(u.conn, "ROLE\r\nPING 1\r\n"+multibulk("PING", big)+"ROLE\r\n"+multibulk("PUBLISH", "a", big)+"PING 2\r\n")
	}()
	role := "*2\r\n$8\r\nsentinel\r\n*0\r\n"
	u.expect(role + "$1\r\n1\r\n" + bulkText(big) + role + ":1\r\n$1\r\n2\r\n")
	many := make([]string, 20000)
	go func() {
		_, _ = io.WriteString(u.conn, multibulk(append([]string{"UNSUBSCRIBE"}, many...)...)+"PING\r\n")
	}()
	u.expect(strings.Repeat("*3\r\n$11\r\nunsubscribe\r\n$0\r\n\r\n:0\r\n", len(many)) + "+PONG\r\n")
}

// Rule: K-1.2 step 1.
func TestCrossProtocol(t *testing.T) {
	w := start(t)
	for _, in := range []string{"PING\r\nPOST / HTTP/1.1\r\nPING\r\n", "ROLE\r\nhost: x\r\n"} {
		u := w.dial()
		u.send(in)
		u.closed()
	}
	eventually(t, func() bool { return w.s.connected() == 0 }, "clients remain")
	require.Equal(t, 1, strings.Count(w.logs.String(), "aborted."))
}

// Rule: K-6.5 and appendix C, a Unix socket; C-72.
func TestUnixSocket(t *testing.T) {
	w := start(t, func(o *Options) { o.ProtectedMode = true })
	path := filepath.Join(t.TempDir(), "s.sock")
	ln, err := ListenUnix(path, 0o700, 16)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- w.s.Serve(ln) }()
	conn, err := net.Dial("unix", path)
	require.NoError(t, err)
	defer conn.Close()
	u := &user{t: t, conn: conn, r: reader(conn)}
	line := u.bulk("CLIENT INFO")
	require.Contains(t, line, "addr="+path+":0 laddr="+path+":0 fd=")
	require.Contains(t, line, " flags=U ")
	_, err = ListenUnix(strings.Repeat("p", 108), 0, 16)
	require.EqualError(t, err, "unix socket path too long (108), must be under 108")
	_, err = ListenUnix("/nonexistent/dir/s", 0, 16)
	require.EqualError(t, err, "bind: No such file or directory")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, w.s.Close(ctx))
	require.NoError(t, <-done)
}

// Rule: C-69, the reasons why a socket cannot listen.
func TestListenFails(t *testing.T) {
	ln, err := Listen("127.0.0.1", 0, 16, 0)
	require.NoError(t, err)
	defer ln.Close()
	_, err = Listen("127.0.0.1", ln.Addr().(*net.TCPAddr).Port, 16, 0)
	require.EqualError(t, err, "bind: Address already in use")
	_, err = Listen("192.0.2.1", 0, 16, 0)
	require.EqualError(t, err, "bind: Cannot assign requested address")
	require.False(t, Unsupported(err))
	_, err = Listen("no such host", 0, 16, 0)
	require.EqualError(t, err, "Name or service not known")
	all, err := Listen("*", 0, 16, 0)
	require.NoError(t, err)
	require.Equal(t, "0.0.0.0", all.Addr().(*net.TCPAddr).IP.String())
	all.Close()
}

// Close answers what was received, sends what is queued, then closes all.
func TestClose(t *testing.T) {
	w := start(t)
	held := make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	t.Cleanup(release)
	w.loop.do(func() {
		w.loop.answer = func(l *loop, r Request) {
			<-held
			l.s.Respond(r.ID, resp.Status("late"))
		}
	})
	busy, idle := w.dial(), w.dial()
	idle.ask("PING", "+PONG\r\n")
	busy.send("ROLE\r\n")
	eventually(t, func() bool { return len(w.loop.sizes()) > 0 }, "not submitted")
	closed := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		closed <- w.s.Close(ctx)
	}()
	idle.closed()
	release()
	busy.expect("+late\r\n")
	busy.closed()
	require.NoError(t, <-closed)
	_, err := net.Dial("tcp", w.addr)
	require.Error(t, err)
}

// Close does not wait for a client that never reads longer than it may.
func TestCloseGivesUp(t *testing.T) {
	w := start(t)
	w.loop.do(func() { w.loop.answer = func(*loop, Request) {} })
	w.dial().send("ROLE\r\n")
	eventually(t, func() bool { return len(w.loop.sizes()) > 0 }, "not submitted")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, w.s.Close(ctx), context.DeadlineExceeded)
	eventually(t, func() bool { return w.s.connected() == 0 }, "a client remains")
}

// Rule: 4.2, socket-mark-id: listeners bear the mark, if we may give one.
func TestSocketMark(t *testing.T) {
	ln, err := Listen("127.0.0.1", 0, 16, 7)
	require.NoError(t, err)
	defer ln.Close()
	raw, err := ln.(*net.TCPListener).SyscallConn()
	require.NoError(t, err)
	var mark int
	var got, may error
	require.NoError(t, raw.Control(func(fd uintptr) {
		mark, got = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK)
		may = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, 8)
	}))
	require.NoError(t, got)
	if may != nil {
		require.Zero(t, mark)
		return
	}
	require.Equal(t, 7, mark)
}

// Rule: 4.2, tcp-keepalive: an idle peer is asked after that time, then at each
// third of it, three times in all.
func TestKeepalive(t *testing.T) {
	require.False(t, keepalive(0).Enable)
	require.Equal(t, net.KeepAliveConfig{Enable: true, Idle: 5 * time.Minute, Interval: 100 * time.Second, Count: 3}, keepalive(5*time.Minute))
	require.Equal(t, net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 3}, keepalive(time.Second))
}
