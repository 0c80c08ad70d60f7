package listener

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// held are the requests that the loop has not answered; the loop's goroutine's
// own.
type held struct {
	w    *world
	list []Request
}

// hold has the loop answer nothing by itself.
func (w *world) hold() *held {
	h := &held{w: w}
	w.loop.do(func() { w.loop.answer = func(_ *loop, r Request) { h.list = append(h.list, r) } })
	return h
}

func (h *held) count() (n int) {
	h.w.loop.do(func() { n = len(h.list) })
	return n
}

// await waits until the loop has got n requests.
func (h *held) await(n int) {
	h.w.t.Helper()
	eventually(h.w.t, func() bool { return h.count() == n }, fmt.Sprintf("not %d requests", n))
}

// stay gives a server that would submit more the time to do so: n are all.
func (h *held) stay(n int) {
	h.w.t.Helper()
	other := h.w.dial()
	for range 50 {
		other.ask("CLIENT GETNAME", "$-1\r\n")
		runtime.Gosched()
		require.Equal(h.w.t, n, h.count(), "requests")
	}
	other.conn.Close()
}

// answer answers the requests at these places, each with its place.
func (h *held) answer(places ...int) {
	h.w.loop.do(func() {
		for _, i := range places {
			h.w.s.Respond(h.list[i].ID, resp.Int(int64(i)))
		}
	})
}

// none expects that no request is waited for any more.
func (h *held) none() {
	h.w.t.Helper()
	eventually(h.w.t, func() bool {
		h.w.s.calls.mu.Lock()
		defer h.w.s.calls.mu.Unlock()
		return len(h.w.s.calls.waiting) == 0
	}, "a request is still waited for")
}

// peer names a connection as another Sentinel does.
func (u *user) peer() *user {
	u.t.Helper()
	u.ask("CLIENT SETNAME sentinel-0123abcd-cmd", "+OK\r\n")
	return u
}

// vote is a request of another Sentinel.
func vote(i int) string {
	return multibulk("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", fmt.Sprint("10.0.0.", i), "6379", fmt.Sprint(i), strings.Repeat("r", 40))
}

// What another Sentinel asks reaches the loop though earlier requests are
// unanswered; the replies come in order, and so does that of PING.
//
// Rule: B-121.
func TestLateReplies(t *testing.T) {
	w := start(t)
	lateReplies(t, w, w.dial())
}

func TestLateRepliesWithoutReactor(t *testing.T) {
	w := startAs(t, func(s *Server) {
		for _, r := range s.reactors {
			r.poll.Close()
		}
		s.reactors = nil
	})
	lateReplies(t, w, w.dial())
}

func TestLateRepliesOverTLS(t *testing.T) {
	w := start(t)
	ln, err := Listen("127.0.0.1", 0, 511, 0)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		done <- w.s.Serve(tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{certificate(t)}}))
	}()
	conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	lateReplies(t, w, &user{t: t, conn: conn, r: reader(conn)})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, w.s.Close(ctx))
	require.NoError(t, <-done)
}

func lateReplies(t *testing.T, w *world, u *user) {
	u.peer()
	h := w.hold()
	u.send("PING\r\n" + vote(0) + vote(1))
	u.expect("+PONG\r\n")
	h.await(2)
	u.send("PING\r\nPING hey\r\n" + vote(2) + "PING\r\n")
	h.await(3)
	u.send(multibulk("PUBLISH", "__sentinel__:hello", "x"))
	h.await(4)
	h.answer(3, 1, 2)
	h.stay(4)
	h.answer(0)
	u.expect(":0\r\n:1\r\n+PONG\r\n" + bulkText("hey") + ":2\r\n+PONG\r\n:3\r\n")
	u.ask("PING", "+PONG\r\n")
	for i := 4; i < 200; i += 2 {
		u.send(vote(i))
		h.await(i + 1)
		u.send(vote(i + 1))
		h.await(i + 2)
		h.answer(i+1, i)
		u.expect(fmt.Sprintf(":%d\r\n:%d\r\n", i, i+1))
	}
	w.loop.do(func() {
		for i, r := range h.list {
			if i != 3 {
				require.Equal(t, vote(i), string(resp.AppendCommand(nil, texts(r.Args)...)), "overwritten")
			}
		}
	})
	h.none()
}

func texts(args [][]byte) (list []string) {
	for _, a := range args {
		list = append(list, string(a))
	}
	return list
}

// What waited for the disk is sent as far as it is answered.
func TestLateRepliesAreNotKeptBack(t *testing.T) {
	w := start(t)
	u := w.dial().peer()
	h := w.hold()
	u.send(vote(0) + vote(1))
	h.await(2)
	u.send(vote(2))
	h.await(3)
	h.answer(0)
	u.expect(":0\r\n")
	h.answer(1)
	u.expect(":1\r\n")
	h.answer(2)
	u.expect(":2\r\n")
}

// Whatever else comes on the connection has its turn behind what is owed.
func TestLateRepliesComeFirst(t *testing.T) {
	w := start(t)
	w.loop.do(func() { w.s.Show("m", "h", 1, false) })
	h := w.hold()
	for _, c := range []struct{ request, reply string }{
		{"CLIENT GETNAME\r\n", bulkText("sentinel-0123abcd-cmd")},
		{"SENTINEL GET-MASTER-ADDR-BY-NAME m\r\n", "*2\r\n$1\r\nh\r\n$1\r\n1\r\n"},
		{"AUTH x\r\n", "-" + noPassText + "\r\n"},
		{"PING 1 2\r\n", "-ERR wrong number of arguments for 'ping' command\r\n"},
		{"nosuch\r\n", "-ERR unknown command 'nosuch', with args beginning with: \r\n"},
		{"SUBSCRIBE x\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n"},
		{"CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\n", "+OK\r\n"},
		{"CLIENT REPLY SKIP\r\nPING\r\nPING\r\n", "+PONG\r\n"},
		{multibulk("PING", strings.Repeat("x", 2*bigRequest)), bulkText(strings.Repeat("x", 2*bigRequest))},
	} {
		u := w.dial().peer()
		before := h.count()
		u.send(vote(0))
		h.await(before + 1)
		u.send(c.request)
		h.stay(before + 1)
		h.answer(before)
		u.expect(fmt.Sprintf(":%d\r\n", before) + c.reply)
		u.conn.Close()
	}
	h.none()
}

// Who asks for more than Sentinels ask each other waits for each reply.
func TestOthersWait(t *testing.T) {
	w := start(t)
	h := w.hold()
	for what, c := range map[string]struct{ before, request string }{
		"large":           {"", multibulk("PUBLISH", "__sentinel__:hello", strings.Repeat("x", maxLateArgs))},
		"another command": {"", "SENTINEL masters\r\n"},
		"mixed":           {"", vote(0) + "SENTINEL masters\r\n"},
		"monitor":         {"", "SENTINEL MONITOR a b 1 2\r\n"},
	} {
		u := w.dial().peer()
		if c.before != "" {
			u.ask(strings.TrimSuffix(c.before, "\r\n"), "+OK\r\n")
		}
		first := h.count()
		u.send(c.request)
		eventually(t, func() bool { return h.count() > first }, what)
		n := h.count()
		u.send(vote(1))
		h.stay(n)
		for i := first; i < n; i++ {
			h.answer(i)
			u.expect(fmt.Sprintf(":%d\r\n", i))
		}
		h.await(n + 1)
		h.answer(n)
		u.expect(fmt.Sprintf(":%d\r\n", n))
		u.conn.Close()
	}
}

// Sentinels are told by what they ask, not by a name that any connection may
// give itself.
//
// Rule: K-2.18.
func TestNamesMakeNoPeers(t *testing.T) {
	w := start(t)
	h := w.hold()
	for _, name := range []string{"", "CLIENT SETNAME other\r\n", "CLIENT SETNAME sentinel-0123abcd-cmd\r\n"} {
		u := w.dial()
		if name != "" {
			u.ask(strings.TrimSuffix(name, "\r\n"), "+OK\r\n")
		}
		first := h.count()
		u.send(vote(0))
		h.await(first + 1)
		u.send(multibulk("SENTINEL", "IS-PRIMARY-DOWN-BY-ADDR", "a", "1", "1", "*") + multibulk("PUBLISH", "__sentinel__:hello", "x"))
		h.await(first + 3)
		h.answer(first, first+1, first+2)
		u.expect(fmt.Sprintf(":%d\r\n:%d\r\n:%d\r\n", first, first+1, first+2))
		u.send("SENTINEL masters\r\n")
		h.await(first + 4)
		u.send("SENTINEL masters\r\n")
		h.stay(first + 4)
		h.answer(first + 3)
		h.await(first + 5)
		h.answer(first + 4)
		u.expect(fmt.Sprintf(":%d\r\n:%d\r\n", first+3, first+4))
		w.loop.do(func() {
			for i, r := range h.list[first:] {
				require.Equal(t, i < 3, r.Peer, "%s", r.Args)
				require.Equal(t, h.list[first].Conn, r.Conn)
			}
		})
		u.conn.Close()
	}
}

// Who wants no reply to some requests waits too: which one is left out depends
// on those before.
func TestMutedPeerWaits(t *testing.T) {
	w := start(t)
	h := w.hold()
	for i, how := range []string{"SKIP", "OFF"} {
		u := w.dial().peer()
		u.send("CLIENT REPLY " + how + "\r\n" + vote(0))
		h.await(2*i + 1)
		u.send("PING\r\n" + vote(1))
		h.stay(2*i + 1)
		h.answer(2 * i)
		h.await(2*i + 2)
		h.answer(2*i + 1)
		if how == "SKIP" {
			u.expect(fmt.Sprintf("+PONG\r\n:%d\r\n", 2*i+1))
		}
		u.ask("CLIENT REPLY ON", "+OK\r\n")
		u.conn.Close()
	}
}

// A connection is owed so many replies and no more.
func TestMaxOwed(t *testing.T) {
	w := start(t)
	u := w.dial().peer()
	h := w.hold()
	var all strings.Builder
	for i := range maxOwed - 1 {
		all.WriteString(vote(i))
	}
	go func() { _, _ = u.conn.Write([]byte(all.String() + "PING\r\n" + vote(maxOwed-1))) }()
	h.await(maxOwed - 1)
	h.stay(maxOwed - 1)
	h.answer(0)
	u.expect(":0\r\n")
	h.await(maxOwed)
	for i := 1; i < maxOwed; i++ {
		h.answer(i)
		if i == maxOwed-1 {
			u.expect("+PONG\r\n")
		}
		u.expect(fmt.Sprintf(":%d\r\n", i))
	}
	h.none()
}

// Replies to PING count too.
func TestMaxOwedPongs(t *testing.T) {
	const pings = 10000
	w := start(t)
	u := w.dial().peer()
	h := w.hold()
	var all strings.Builder
	for i := range maxOwed {
		all.WriteString(vote(i))
	}
	go func() { _, _ = u.conn.Write([]byte(all.String() + strings.Repeat("PING\r\n", pings))) }()
	h.await(maxOwed)
	h.stay(maxOwed)
	require.Less(t, w.s.stats.commands.Load(), uint64(maxOwed+pings/10), "PINGs were taken")
	var want strings.Builder
	for i := range maxOwed {
		h.answer(i)
		want.WriteString(fmt.Sprintf(":%d\r\n", i))
	}
	u.expect(want.String() + strings.Repeat("+PONG\r\n", pings))
}

// A connection that is killed while replies are owed leaves nothing behind, be
// it at the limit or not.
func TestKillWhileRepliesAreOwed(t *testing.T) {
	w := start(t)
	h := w.hold()
	killer, before := w.dial(), 0
	for _, more := range []string{"", "PING\r\n", "CLIENT GETNAME\r\n", strings.Repeat(vote(2), maxOwed)} {
		u := w.dial().peer()
		u.send(vote(0))
		h.await(before + 1)
		u.send(vote(1))
		h.await(before + 2)
		before += 2
		go func() { _, _ = u.conn.Write([]byte(more)) }()
		if len(more) > maxOwed {
			eventually(t, func() bool { return h.count() > before+maxOwed-maxBatch-2 }, "not at the limit")
		}
		killer.ask("CLIENT KILL ADDR "+u.conn.LocalAddr().String(), ":1\r\n")
		u.closed()
		h.none()
		eventually(t, func() bool { return w.s.connected() == 1 }, "a client remains")
		before = h.count()
	}
}

// Who shuts its side, or makes a mistake, gets what is owed first.
func TestOwedAtTheEnd(t *testing.T) {
	w := start(t)
	h := w.hold()
	u := w.dial().peer()
	u.send(vote(0))
	h.await(1)
	require.NoError(t, u.conn.(*net.TCPConn).CloseWrite())
	h.stay(1)
	h.answer(0)
	u.expect(":0\r\n")
	u.closed()

	u = w.dial().peer()
	u.send(vote(1))
	h.await(2)
	u.send("*1\r\nx\r\n")
	h.stay(2)
	h.answer(1)
	u.expect(":1\r\n-ERR Protocol error: expected '$', got 'x'\r\n")
	u.closed()

	u = w.dial().peer()
	u.send(vote(2))
	h.await(3)
	closed := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		closed <- w.s.Close(ctx)
	}()
	eventually(t, func() bool { return w.s.closing.Load() }, "not closing")
	h.answer(2)
	u.expect(":2\r\n")
	u.closed()
	require.NoError(t, <-closed)
}

// Replies come in order whatever is mixed, and in whatever order the loop
// answers.
func TestLateRepliesMixed(t *testing.T) {
	w := start(t)
	var waiting []Request
	w.loop.do(func() {
		w.loop.answer = func(_ *loop, r Request) { waiting = append(waiting, r) }
	})
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for rng := rand.New(rand.NewPCG(1, 1)); ; runtime.Gosched() {
			select {
			case <-stop:
				return
			default:
			}
			w.loop.do(func() {
				for len(waiting) > 0 && rng.IntN(4) > 0 {
					i := rng.IntN(len(waiting))
					r := waiting[i]
					w.s.Respond(r.ID, resp.Str(string(r.Args[len(r.Args)-1])))
					waiting = append(waiting[:i], waiting[i+1:]...)
				}
			})
		}
	}()
	t.Cleanup(func() { close(stop); <-ended })
	u, rng := w.dial().peer(), rand.New(rand.NewPCG(2, 2))
	for round := range 200 {
		var in, want strings.Builder
		for i := range 1 + rng.IntN(20) {
			id := fmt.Sprint(round, "-", i)
			switch rng.IntN(8) {
			case 0:
				in.WriteString("PING\r\n")
				want.WriteString("+PONG\r\n")
			case 1:
				in.WriteString("CLIENT GETNAME\r\n")
				want.WriteString(bulkText("sentinel-0123abcd-cmd"))
			case 2:
				in.WriteString(multibulk("SENTINEL", "master", id))
				want.WriteString(bulkText(id))
			default:
				in.WriteString(multibulk("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "h", "1", "2", id))
				want.WriteString(bulkText(id))
			}
		}
		text := in.String()
		go func() {
			for len(text) > 0 {
				n := min(len(text), 1+len(text)/3)
				if _, err := u.conn.Write([]byte(text[:n])); err != nil {
					t.Error(err)
					return
				}
				text = text[n:]
			}
		}()
		u.expect(want.String())
	}
}
