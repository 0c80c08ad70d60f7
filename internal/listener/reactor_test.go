package listener

import (
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// The connection goes to and fro between the reactor and its goroutine, and
// the replies come in order, however requests are mixed and cut into packets.
func TestReactorAndGoroutineTakeTurns(t *testing.T) {
	mixed(t, start(t))
}

// The same while looks at the core come and go.
func TestReactorAndLooksTakeTurns(t *testing.T) {
	w := start(t)
	w.loop.looks.Store(true)
	w.loop.some.Store(true)
	mixed(t, w)
}

// A system that has no epoll descriptor left for us loses nothing but speed.
func TestWithoutReactor(t *testing.T) {
	mixed(t, startAs(t, func(s *Server) {
		for _, r := range s.reactors {
			r.poll.Close()
		}
		s.reactors = nil
	}))
}

// mixed has clients send requests of all kinds, and compares the replies.
func mixed(t *testing.T, w *world) {
	w.loop.do(func() { w.s.Show("mymaster", "127.0.0.1", 6379, false) })
	large := strings.Repeat("x", 3*bigRequest)
	kinds := []struct{ request, reply string }{
		{multibulk("PING"), "+PONG\r\n"},
		{"PING\r\n", "+PONG\r\n"},
		{multibulk("PING", "x"), bulkText("x")},
		{multibulk("PING", large), bulkText(large)},
		{multibulk("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"), "*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n"},
		{multibulk("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "other"), "*-1\r\n"},
		{multibulk("SENTINEL", "masters"), "*0\r\n"},
		{multibulk("SENTINEL", "myid"), bulkText("myid")},
		{multibulk("CLIENT", "GETNAME"), "$-1\r\n"},
		{"\r\n", ""},
	}
	var wg sync.WaitGroup
	for seed := range uint64(16) {
		u, rng := w.dial(), rand.New(rand.NewPCG(seed, 1))
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 40 {
				var in, want strings.Builder
				for range 1 + rng.IntN(20) {
					k := kinds[rng.IntN(len(kinds))]
					if k.request != "\r\n" && len(k.request) > bigRequest && rng.IntN(4) > 0 {
						k = kinds[0]
					}
					in.WriteString(k.request)
					want.WriteString(k.reply)
				}
				text, cuts := in.String(), rand.New(rand.NewPCG(rng.Uint64(), 2))
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					for len(text) > 0 {
						n := min(len(text), 1+cuts.IntN(1+cuts.IntN(20000)))
						if _, err := io.WriteString(u.conn, text[:n]); err != nil {
							t.Error(err)
							return
						}
						text = text[n:]
					}
				}()
				got := make([]byte, want.Len())
				if _, err := io.ReadFull(u.r, got); err != nil || string(got) != want.String() {
					t.Errorf("seed %d: %v: %.200q instead of %.200q", seed, err, got, want.String())
					return
				}
				<-sent // what has no reply may still be on its way
			}
		}()
	}
	wg.Wait()
}

// Who sends and shuts its side at once is answered, and let go.
func TestReactorSeesTheEnd(t *testing.T) {
	w := start(t)
	for range 200 {
		u := w.dial()
		u.send(strings.Repeat("PING\r\n", 3))
		require.NoError(t, u.conn.(*net.TCPConn).CloseWrite())
		u.expect(strings.Repeat("+PONG\r\n", 3))
		u.closed()
	}
	eventually(t, func() bool { return w.s.connected() == 0 }, "clients remain")
	for _, r := range w.s.reactors {
		r.mu.Lock()
		require.Empty(t, r.clients)
		r.mu.Unlock()
	}
}

// A client that asks without reading the answers keeps nobody waiting.
func TestReactorDoesNotWait(t *testing.T) {
	w := start(t)
	w.loop.do(func() { w.s.Show("large", strings.Repeat("x", 32<<10), 6379, false) })
	u := w.dial()
	u.ask("PING", "+PONG\r\n")
	c := w.s.all()[0]
	stuck := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.output.pending > roomWanted
	}
	for !stuck() { // one by one, or the goroutine would answer, not the reactor
		before := w.s.stats.commands.Load()
		u.send(multibulk("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "large"))
		eventually(t, func() bool { return w.s.stats.commands.Load() > before || stuck() }, "not answered")
	}
	for range 10 {
		other := w.dial()
		other.ask("PING", "+PONG\r\n")
		other.conn.Close()
	}
}

// A client that waits in the reactor can be killed, and notices that the
// server closes.
func TestReactorGivesBack(t *testing.T) {
	w := start(t)
	killer := w.dial()
	for range 100 {
		u := w.dial()
		u.ask("PING", "+PONG\r\n")
		require.Equal(t, resp.Integer, killer.reply("CLIENT KILL ADDR "+u.conn.LocalAddr().String()).Kind)
		u.closed()
	}
	eventually(t, func() bool { return w.s.connected() == 1 }, "clients remain")
}
