package listener

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/acl"
	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// loop is a Backend as the daemon's: one goroutine answers what is submitted.
type loop struct {
	s      *Server
	in     chan []Request
	inputs chan func()
	answer func(l *loop, r Request) // called on the loop's goroutine
	quit   chan struct{}
	done   chan struct{}

	looks atomic.Bool // Look answers
	some  atomic.Bool // ... two times of three
	tried atomic.Int64
	errs  atomic.Bool  // ... by an error
	pad   atomic.Int64 // ... by a text of so many bytes

	mu      sync.Mutex
	batches []int // sizes of what was submitted
}

func (l *loop) Submit(batch []Request) bool {
	l.mu.Lock()
	l.batches = append(l.batches, len(batch))
	l.mu.Unlock()
	select {
	case l.in <- append([]Request(nil), batch...):
		return true
	case <-l.quit:
		return false
	}
}

// Look answers as the core would, if looks is set.
func (l *loop) Look(dst []byte, args [][]byte, proto int) ([]byte, bool) {
	if !l.looks.Load() || l.some.Load() && l.tried.Add(1)%3 == 0 {
		return dst, false
	}
	v := plainValue(Request{Args: args})
	switch {
	case l.errs.Load():
		v = resp.Err("ERR No such master with that name")
	case l.pad.Load() > 0:
		v = resp.Str(strings.Repeat("x", int(l.pad.Load())))
	}
	return resp.Append(dst, proto, v), true
}

// sizes gives, and forgets, how large the batches were.
func (l *loop) sizes() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.batches
	l.batches = nil
	return s
}

func (l *loop) run() {
	defer close(l.done)
	beat := time.NewTicker(50 * time.Millisecond)
	defer beat.Stop()
	for {
		select {
		case batch := <-l.in:
			for _, r := range batch {
				if l.s.Wanted(r.ID) {
					l.answer(l, r)
				}
			}
		case f := <-l.inputs:
			f()
		case <-beat.C:
		case <-l.quit:
			return
		}
		l.s.Beat()
	}
}

// do runs f on the loop's goroutine and waits for it.
func (l *loop) do(f func()) {
	ran := make(chan struct{})
	l.inputs <- func() { f(); close(ran) }
	<-ran
}

// plain answers as a core without masters would.
func plain(l *loop, r Request) { l.s.Respond(r.ID, plainValue(r)) }

func plainValue(r Request) resp.Value {
	v := resp.Err("ERR not expected here: " + string(r.Args[0]))
	switch word := strings.ToLower(string(r.Args[0])); {
	case word == "info":
		v = resp.Str("# Sentinel\r\nsentinel_masters:0\r\n")
	case word == "role":
		v = resp.List(resp.Str("sentinel"), resp.List())
	case word == "publish":
		v = resp.Int(1)
	case word == "sentinel" && strings.EqualFold(string(r.Args[1]), "masters"):
		v = resp.List()
	case word == "sentinel":
		v = resp.Str(strings.ToLower(string(r.Args[1])))
	}
	return v
}

// world is a running Server.
type world struct {
	t    testing.TB
	s    *Server
	loop *loop
	addr string
	logs *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs a Server on a free port until the test ends.
func start(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	return startAs(t, func(*Server) {}, change...)
}

// startAs is start with a Server that was prepared before it listens.
func startAs(t testing.TB, prepare func(*Server), change ...func(*Options)) *world {
	t.Helper()
	logs := &lockedBuffer{}
	table := command.NewTable()
	l := &loop{
		in: make(chan []Request, 64), inputs: make(chan func()), answer: plain,
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	o := Options{
		Backend: l, Table: table, Users: acl.New(table, false),
		Log:          slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		ACLLogMaxLen: acl.DefaultLogLen,
		Facts:        Facts{RedisVersion: "7.2.4", Version: "0.1.0", RunID: strings.Repeat("a", 40), Port: 26379, ConfiguredHz: 10},
	}
	for _, f := range change {
		f(&o)
	}
	s, err := New(o)
	require.NoError(t, err)
	prepare(s)
	l.s = s
	ln, err := Listen("127.0.0.1", 0, 511, 0)
	require.NoError(t, err)
	s.Beat()
	go l.run()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	w := &world{t: t, s: s, loop: l, addr: ln.Addr().String(), logs: logs}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = s.Close(ctx)
		require.NoError(t, <-served)
		close(l.quit)
		<-l.done
	})
	return w
}

// user is a client of the test.
type user struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func (w *world) dial() *user {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.addr)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { conn.Close() })
	return &user{t: w.t, conn: conn, r: bufio.NewReader(conn)}
}

func reader(conn net.Conn) *bufio.Reader { return bufio.NewReader(conn) }

// send writes bytes as they are; CRLF stands for itself.
func (u *user) send(bytes string) {
	u.t.Helper()
	require.NoError(u.t, u.conn.SetWriteDeadline(time.Now().Add(patience)))
	_, err := io.WriteString(u.conn, bytes)
	require.NoError(u.t, err)
}

// expect reads exactly these bytes.
func (u *user) expect(want string) {
	u.t.Helper()
	require.NoError(u.t, u.conn.SetReadDeadline(time.Now().Add(patience)))
	got := make([]byte, len(want))
	n, err := io.ReadFull(u.r, got)
	if string(got[:n]) != want {
		rest, _ := u.r.Peek(u.r.Buffered())
		require.Equal(u.t, want, string(got[:n])+string(rest), "error: %v", err)
	}
}

// ask sends a line and expects these bytes.
func (u *user) ask(line, want string) {
	u.t.Helper()
	u.send(line + "\r\n")
	u.expect(want)
}

// closed expects the end of the connection.
func (u *user) closed() {
	u.t.Helper()
	require.NoError(u.t, u.conn.SetReadDeadline(time.Now().Add(patience)))
	rest, err := io.ReadAll(u.r)
	if err != nil {
		require.NotErrorIs(u.t, err, context.DeadlineExceeded)
		var timeout net.Error
		require.False(u.t, asTimeout(err, &timeout), "still open")
	}
	require.Empty(u.t, string(rest))
}

func asTimeout(err error, to *net.Error) bool {
	e, ok := err.(net.Error)
	if ok {
		*to = e
	}
	return ok && e.Timeout()
}

// reply sends a line and reads one value.
func (u *user) reply(line string) resp.Value {
	u.t.Helper()
	u.send(line + "\r\n")
	return u.read()
}

// read reads one value.
func (u *user) read() resp.Value {
	u.t.Helper()
	require.NoError(u.t, u.conn.SetReadDeadline(time.Now().Add(patience)))
	limits := resp.Limits{Depth: 16, Bulk: 64 << 20, Total: 64 << 20, Elems: 1 << 20}
	var partial resp.Partial
	for size := 1; ; {
		buf, err := u.r.Peek(size)
		require.NoError(u.t, err)
		if have := u.r.Buffered(); have > size {
			buf, _ = u.r.Peek(have)
		}
		v, n, err := resp.Decode(buf, limits)
		if err == nil {
			_, _ = u.r.Discard(n)
			return v
		}
		require.ErrorIs(u.t, err, resp.ErrShort)
		if size = partial.Want(buf, limits); size > u.r.Size() {
			u.r = bufio.NewReaderSize(u.r, 2*size)
		}
	}
}

// bulk is the text of a bulk or verbatim reply to a line.
func (u *user) bulk(line string) string {
	u.t.Helper()
	v := u.reply(line)
	require.Contains(u.t, []resp.Kind{resp.Bulk, resp.Verbatim}, v.Kind, "%+v", v)
	return v.Str
}

// multibulk is a request in its long form.
func multibulk(args ...string) string { return string(resp.AppendCommand(nil, args...)) }

// bulkText is a bulk string on the wire.
func bulkText(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

// eventually waits until f holds.
func eventually(t testing.TB, f func() bool, what string) {
	t.Helper()
	require.Eventually(t, f, patience, 2*time.Millisecond, what)
}
