package listener

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// A pipeline goes to the loop in one piece, order kept; a command that is
// answered here waits for those before it.
func TestBatches(t *testing.T) {
	w := start(t)
	var names []string
	w.loop.do(func() {
		w.loop.answer = func(l *loop, r Request) {
			names = append(names, r.Client)
			l.s.Respond(r.ID, resp.Str(string(r.Args[1])))
		}
	})
	u := w.dial()
	u.send("CLIENT SETNAME me\r\n" + strings.Repeat("SENTINEL masters\r\n", 40) + "PING\r\nSENTINEL myid\r\nSENTINEL MONITOR a b c d\r\nSENTINEL myid\r\n")
	u.expect("+OK\r\n" + strings.Repeat("$7\r\nmasters\r\n", 40) + "+PONG\r\n$4\r\nmyid\r\n$7\r\nMONITOR\r\n$4\r\nmyid\r\n")
	require.Equal(t, []int{40, 2, 1}, w.loop.sizes())
	w.loop.do(func() { require.Equal(t, "me", names[0]) })
	u.send(strings.Repeat("SENTINEL masters\r\n", 600))
	u.expect(strings.Repeat("$7\r\nmasters\r\n", 600))
	for _, n := range w.loop.sizes() {
		require.LessOrEqual(t, n, maxBatch)
	}
}

// An answered request is not kept waiting by a slow one behind it; answers in
// any order come out in order; unknown and repeated answers are ignored.
func TestRespond(t *testing.T) {
	w := start(t)
	var ids []uint64
	w.loop.do(func() { w.loop.answer = func(_ *loop, r Request) { ids = append(ids, r.ID) } })
	u := w.dial()
	u.send("ROLE\r\nROLE\r\nROLE\r\n")
	eventually(t, func() bool { n := 0; w.loop.do(func() { n = len(ids) }); return n == 3 }, "not submitted")
	w.loop.do(func() {
		w.s.Respond(ids[2], resp.Int(3))
		w.s.Respond(ids[0], resp.Int(1))
		w.s.Respond(ids[0], resp.Int(9))
		w.s.Respond(ids[2]+1, resp.Int(9))
		w.s.Respond(1<<40, resp.Int(9))
	})
	u.expect(":1\r\n")
	w.loop.do(func() { w.s.Respond(ids[1], resp.Int(2)) })
	u.expect(":2\r\n:3\r\n")
	w.s.calls.mu.Lock()
	defer w.s.calls.mu.Unlock()
	require.Empty(t, w.s.calls.waiting)
}

// When the loop has ended, or a client goes while it waits, nothing is left.
func TestNoAnswer(t *testing.T) {
	w := start(t)
	w.loop.do(func() { w.loop.answer = func(*loop, Request) {} })
	u := w.dial()
	u.send("ROLE\r\n")
	eventually(t, func() bool { return len(w.loop.sizes()) == 1 }, "not submitted")
	w.dial().ask("CLIENT KILL ID 1", ":1\r\n")
	u.closed()
	eventually(t, func() bool {
		w.s.calls.mu.Lock()
		defer w.s.calls.mu.Unlock()
		return len(w.s.calls.waiting) == 0
	}, "the request is still waited for")
}

// Rule: K-2.2, K-2.17: the View; when the loop is stuck, what it answers goes
// through the loop.
func TestView(t *testing.T) {
	w := start(t)
	u := w.dial()
	ask := func(name, want string) {
		u.t.Helper()
		u.ask("SENTINEL GET-MASTER-ADDR-BY-NAME "+name, want)
	}
	w.loop.do(func() {
		for _, name := range []string{"a", "b", "A"} {
			w.s.Show(name, name, 1, false)
		}
		w.s.Show("b", "::1", 65535, false)
		w.s.Show("A", "", 0, true)
		w.s.Show("nosuch", "", 0, true)
	})
	ask("a", "*2\r\n$1\r\na\r\n$1\r\n1\r\n")
	ask("b", "*2\r\n$3\r\n::1\r\n$5\r\n65535\r\n")
	ask("A", "*-1\r\n")
	require.Empty(t, w.loop.sizes(), "the loop was asked")

	stuck, stop := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(stop) })
	t.Cleanup(release)
	go func() { w.loop.do(func() { close(stuck); <-stop }) }()
	<-stuck
	eventually(t, func() bool { return w.s.uptime()-time.Duration(w.s.beat.Load()) > staleAfter }, "the loop still turns")
	u.send("PING\r\nPING x\r\nSENTINEL GET-PRIMARY-ADDR-BY-NAME a\r\nPING y\r\n")
	eventually(t, func() bool { return len(w.loop.sizes()) > 0 }, "the loop was not asked")
	release()
	u.expect("+PONG\r\n$1\r\nx\r\n")
	// From here on the loop turns again, and may be asked or not.
	require.Contains(t, []string{"a", "get-primary-addr-by-name"}, func() string {
		v := u.read()
		if v.Kind == resp.Array {
			return v.Elems[0].Str
		}
		return v.Str
	}())
	u.expect("$1\r\ny\r\n")
}

// Rule: K-7, SHUTDOWN closes without a reply, and is passed on once.
func TestShutdown(t *testing.T) {
	var calls atomic.Int32
	w := start(t, func(o *Options) { o.Shutdown = func() { calls.Add(1) } })
	for _, line := range []string{"SHUTDOWN", "shutdown nosave now force"} {
		u := w.dial()
		u.send("PING\r\n" + line + "\r\nPING\r\n")
		u.expect("+PONG\r\n")
		u.closed()
	}
	require.Equal(t, int32(1), calls.Load())
}

// PING takes no memory.
func TestPingDoesNotAllocate(t *testing.T) {
	w := start(t)
	u := w.dial()
	in := []byte(strings.Repeat("*1\r\n$4\r\nPING\r\n", 16))
	out := make([]byte, 16*len("+PONG\r\n"))
	round := func() {
		if _, err := u.conn.Write(in); err != nil {
			t.Error(err)
		}
		for n := 0; n < len(out); {
			k, err := u.conn.Read(out[n:])
			if err != nil {
				t.Error(err)
				return
			}
			n += k
		}
	}
	round()
	require.Less(t, testing.AllocsPerRun(200, round), 1.0, "for 16 requests")
}

// Rule: C-84, the loop is told the original name of a renamed command.
func TestLoopGetsTheOriginalName(t *testing.T) {
	w := start(t, func(o *Options) {
		require.NoError(t, o.Table.Rename("sentinel", "watch"))
		require.NoError(t, o.Table.Rename("publish", "tell"))
	})
	w.loop.do(func() {
		w.loop.answer = func(l *loop, r Request) { l.s.Respond(r.ID, resp.Str(string(r.Args[0])+" "+string(r.Args[1]))) }
	})
	u := w.dial()
	u.ask("Watch Masters", "$16\r\nsentinel Masters\r\n")
	u.ask("TELL a b", "$9\r\npublish a\r\n")
	u.ask("SENTINEL masters", "-ERR unknown command 'SENTINEL', with args beginning with: 'masters' \r\n")
}

// Rule: K-6.4, the log shows the client as it is when it is refused: the
// command in hand is the refused one.
func TestLogNamesTheRefusedCommand(t *testing.T) {
	u := start(t).dial()
	u.ask("ACL SETUSER bob on nopass +acl|log", "+OK\r\n")
	u.ask("AUTH bob x", "+OK\r\n")
	require.Equal(t, resp.Error, u.reply("ROLE").Kind)
	entry := u.reply("ACL LOG").Elems[0]
	require.Contains(t, entry.Elems[13].Str, " cmd=role user=bob ")
}

// Rule: K-2.0, the event of MONITOR comes to its own client after its reply and
// before the reply of the next command.
func TestEventOfMonitor(t *testing.T) {
	w := start(t)
	w.loop.do(func() {
		w.loop.answer = func(l *loop, r Request) {
			l.s.Respond(r.ID, resp.OK)
			if strings.EqualFold(string(r.Args[1]), "monitor") {
				l.s.calls.wakeTouched()
				for range 1000 { // let the client go on, if it does
					runtime.Gosched()
				}
				l.s.Publish("+monitor", "m")
			}
		}
	})
	u := w.dial()
	u.send("HELLO 3\r\n")
	u.read()
	u.ask("SUBSCRIBE +monitor", ">3\r\n$9\r\nsubscribe\r\n$8\r\n+monitor\r\n:1\r\n")
	for range 20 {
		u.ask("SENTINEL MONITOR a b c d\r\nfoo", "+OK\r\n>3\r\n$7\r\nmessage\r\n$8\r\n+monitor\r\n$1\r\nm\r\n-ERR unknown command 'foo', with args beginning with: \r\n")
	}
}
