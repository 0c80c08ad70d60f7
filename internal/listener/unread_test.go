package listener

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/acl"
	"gosentinel/internal/resp"
)

// stuck waits until a client's requests wait for it to read, and tells how many
// bytes of replies are kept for it.
func stuck(t *testing.T, c *client) (pending int64) {
	t.Helper()
	eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		pending = c.output.pending
		return c.output.wait != nil || c.output.dead
	}, "it does not wait for its client")
	return pending
}

// only is the one client of the world.
func (w *world) only() *client {
	w.t.Helper()
	eventually(w.t, func() bool { return w.s.connected() == 1 }, "not one client")
	return w.s.all()[0]
}

// lengthTo reads replies up to an end, without keeping them, and tells how many
// bytes they were.
func (u *user) lengthTo(end string) (n int) {
	u.t.Helper()
	var buf []byte
	for !strings.HasSuffix(string(buf), end) {
		require.NoError(u.t, u.conn.SetReadDeadline(time.Now().Add(patience)))
		chunk := make([]byte, 256<<10)
		k, err := u.r.Read(chunk)
		require.NoError(u.t, err)
		n += k
		buf = append(buf[max(0, len(buf)-len(end)):], chunk[:k]...)
	}
	return n
}

// beyondSockets is more than the sockets between a client and its Server keep, in
// bytes, as Linux comes.
const beyondSockets = 12 << 20

// A small request with a large reply, whatever it is: of what its client does
// not read little is made, and all of it in the end.
//
// Rule: K-8.3.
func TestLongRepliesAreMadeAsTheyAreRead(t *testing.T) {
	names := func(words string, n int) string {
		return multibulk(append(strings.Fields(words), strings.Fields(strings.Repeat("sentinel ", n))...)...)
	}
	for _, tc := range []struct {
		name, request string
		change        func(*Options)
		ready         func(*world)
		times         int // of the request
	}{
		{name: "COMMAND DOCS", request: names("COMMAND DOCS", 2000)},
		{name: "COMMAND INFO", request: names("COMMAND INFO", 5000)},
		{name: "ACL LIST", request: multibulk("ACL", "LIST"), times: 20, change: func(o *Options) {
			for i := range 2000 {
				_, _ = o.Users.SetUser(fmt.Sprint("user", i), []string{"&" + strings.Repeat("x", 1000)})
			}
		}},
		{name: "ACL GETUSER", request: multibulk("ACL", "GETUSER", "u"), times: 40, change: func(o *Options) {
			for i := range 400 {
				_, _ = o.Users.SetUser("u", []string{fmt.Sprint("&", i, strings.Repeat("x", 1000))})
			}
		}},
		{name: "ACL LOG", request: multibulk("ACL", "LOG", "1000000"), times: 3, change: func(o *Options) { o.ACLLogMaxLen = 10000 },
			ready: func(w *world) {
				w.s.usersMu.Lock()
				defer w.s.usersMu.Unlock()
				for i := range 6000 {
					w.s.aclLog.Add(int64(i), acl.ReasonCommand, fmt.Sprint(i, strings.Repeat("x", 1000)), "u", "line")
				}
			}},
		{name: "CLIENT LIST of many times oneself", request: multibulk(append([]string{"CLIENT", "LIST", "ID"}, strings.Fields(strings.Repeat("1 ", 60000))...)...)},
		{name: "SUBSCRIBE", request: multibulk(append([]string{"SUBSCRIBE"}, strings.Fields(strings.Repeat("a ", 450000))...)...),
			change: func(o *Options) { o.OutputPubSub = OutputLimit{} }},
		{name: "a list of the loop", request: multibulk("SENTINEL", "MASTERS"), ready: func(w *world) { w.loop.do(func() { w.loop.answer = lists(15000) }) }},
		{name: "lists of the loop", request: multibulk("SENTINEL", "MASTERS"), times: 256, ready: func(w *world) { w.loop.do(func() { w.loop.answer = lists(100) }) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := start(t, func(o *Options) {
				if tc.change != nil {
					tc.change(o)
				}
			})
			if tc.ready != nil {
				tc.ready(w)
			}
			u := w.dial()
			go func() {
				_, _ = io.WriteString(u.conn, strings.Repeat(tc.request, max(1, tc.times))+multibulk("PING", "the end"))
			}()
			require.Less(t, stuck(t, w.only()), int64(2*roomWanted))
			w.dial().ask("PING", "+PONG\r\n")
			require.Greater(t, u.lengthTo("the end\r\n"), beyondSockets)
		})
	}
}

// lists answers as a core with so many masters, of a kilobyte each.
func lists(masters int) func(*loop, Request) {
	list := resp.List()
	for range masters {
		list.Elems = append(list.Elems, resp.Pairs(resp.Str("name"), resp.Str(strings.Repeat("x", 1000))))
	}
	return func(l *loop, r Request) { l.s.Respond(r.ID, list) }
}

// Of many requests that come together the loop handles no more than what their
// client can be given at a time.
//
// Rule: K-8.3.
func TestTheLoopMakesNoMoreRepliesThanAreTaken(t *testing.T) {
	w := start(t)
	b := &batch{wake: make(chan struct{}, 1), bounded: true}
	first := w.s.calls.open(b, maxBatch)
	list, made := resp.Str(strings.Repeat("x", maxAnswers/3+1)), 0
	w.loop.do(func() {
		for i := range uint64(maxBatch) {
			if w.s.Wanted(first + i) {
				made++
				w.s.Respond(first+i, list)
			}
		}
	})
	require.Equal(t, 3, made)
	for i := range maxBatch {
		a, there := w.s.calls.take(b, i)
		require.True(t, there)
		require.Equal(t, i >= made, a.again)
	}
	w.s.calls.open(b, 1)
	w.s.calls.drop(b)
	w.loop.do(func() { require.False(t, w.s.Wanted(b.key<<batchShift), "its client has gone") })
}

// What is asked again keeps its order, among replies of any length.
//
// Rule: K-8.3.
func TestRequestsThatAreSubmittedAgainKeepTheirOrder(t *testing.T) {
	w := start(t)
	w.loop.do(func() {
		w.loop.answer = func(l *loop, r Request) {
			text := string(r.Args[2])
			if text[0] == 'l' {
				text += strings.Repeat("x", maxAnswers/4)
			}
			l.s.Respond(r.ID, resp.Str(text))
		}
	})
	u := w.dial()
	var request, want strings.Builder
	for i := range 1000 {
		word, reply := "s", ""
		if i%7 < 3 {
			word, reply = "l", strings.Repeat("x", maxAnswers/4)
		}
		word += fmt.Sprint(i)
		request.WriteString("SENTINEL master " + word + "\r\n")
		want.WriteString(bulkText(word + reply))
	}
	go func() { _, _ = io.WriteString(u.conn, request.String()) }()
	u.expect(want.String())
}

// With an output limit a reply beyond it closes the client before it is made.
//
// Rule: K-8.3.
func TestLimitHoldsForLongReplies(t *testing.T) {
	w := start(t, func(o *Options) { o.OutputNormal = OutputLimit{Hard: 1 << 20} })
	u := w.dial()
	u.send(multibulk(append([]string{"COMMAND", "DOCS"}, strings.Fields(strings.Repeat("sentinel ", 20000))...)...))
	n, err := io.Copy(io.Discard, u.r)
	require.Less(t, n, int64(1<<20), "%v", err)
	eventually(t, func() bool { return strings.Contains(w.logs.String(), "overcoming of output buffer limits") }, "not told")
}

// What all clients do not read is bounded: those that do not read at all go
// first, the largest of them before others.
//
// Rule: K-8.3.
func TestUnreadRepliesAreBounded(t *testing.T) {
	w := start(t, func(o *Options) { o.MaxUnread = 3 * roomWanted })
	w.loop.do(func() { w.loop.answer = lists(30000) })
	for range 4 {
		go func(u *user) { _, _ = io.WriteString(u.conn, strings.Repeat("SENTINEL masters\r\n", 10)) }(w.dial())
	}
	eventually(t, func() bool { return w.s.connected() == 0 || strings.Contains(w.logs.String(), "overcoming of output") }, "none is dropped")
	eventually(t, func() bool {
		total := int64(0)
		for _, c := range w.s.all() {
			c.mu.Lock()
			total += c.output.pending + c.output.making
			c.mu.Unlock()
		}
		return total <= w.s.o.MaxUnread
	}, "too much is kept")
	w.dial().ask("PING", "+PONG\r\n")
}

// What a connection calls itself is shown to whoever asks for CLIENT LIST.
//
// Rule: K-6.5.
func TestNamesOfConnectionsAreBounded(t *testing.T) {
	u := start(t).dial()
	long, most := strings.Repeat("n", maxName+1), strings.Repeat("n", maxName)
	u.ask("CLIENT SETNAME "+long, "-ERR Client names are at most 1024 bytes long.\r\n")
	u.ask("HELLO 2 SETNAME "+long, "-ERR Client names are at most 1024 bytes long.\r\n")
	u.ask("CLIENT SETINFO lib-name "+long, "-ERR lib-name is at most 1024 bytes long.\r\n")
	u.ask("CLIENT SETNAME "+most, "+OK\r\n")
	u.ask("CLIENT GETNAME", bulkText(most))
}

// A reply that is made piece by piece is the same.
//
// Rule: K-0.
func TestLongRepliesAreWhole(t *testing.T) {
	w := start(t)
	text := strings.Repeat("y", 3*flushSize+1)
	entry := resp.Pairs(resp.Str("a"), resp.Int(1), resp.Str("b"), resp.Value{}, resp.Str("c"), resp.Value{Kind: resp.NullArray},
		resp.Str("d"), resp.Value{Kind: resp.Verbatim, Str: text}, resp.Str(text), resp.Value{Kind: resp.Double, Float: 1.5},
		resp.Str("e"), resp.Value{Kind: resp.Set, Elems: []resp.Value{resp.Status("f")}}, resp.Str("g"), resp.List())
	list := resp.List(entry, resp.Str(text), resp.List(entry, resp.Str("")))
	w.loop.do(func() { w.loop.answer = func(l *loop, r Request) { l.s.Respond(r.ID, list) } })
	u := w.dial()
	for _, proto := range []int{2, 3} {
		u.reply(fmt.Sprint("HELLO ", proto))
		u.send("CLIENT REPLY SKIP\r\nSENTINEL masters\r\nSENTINEL masters\r\n")
		u.expect(string(resp.Append(nil, proto, list)))
	}
}

// What waited for its client to read is allowed anew: rights may have been taken
// meanwhile, as with the original, which does not carry out what it has not read.
//
// Rule: K-1.2, K-8.3.
func TestRequestsThatWaitedAreCheckedAgain(t *testing.T) {
	w := start(t)
	w.loop.do(func() {
		w.loop.answer = func(l *loop, r Request) {
			if strings.EqualFold(string(r.Args[1]), "remove") {
				l.s.Respond(r.ID, resp.OK)
				return
			}
			l.s.Respond(r.ID, resp.Str(strings.Repeat("x", maxAnswers)))
		}
	})
	admin, u := w.dial(), w.dial()
	require.Equal(t, resp.OK, admin.reply("ACL SETUSER bob on nopass ~* &* +@all"))
	require.Equal(t, resp.OK, u.reply("AUTH bob x"))
	const long = maxBatch - 2
	u.send(strings.Repeat("SENTINEL MASTER m\r\n", long) + "SENTINEL REMOVE m\r\nSENTINEL MASTER m\r\n")
	eventually(t, func() bool {
		for _, c := range w.s.all() {
			c.mu.Lock()
			full := c.output.pending > roomWanted
			c.mu.Unlock()
			if full {
				return true
			}
		}
		return false
	}, "it reads")
	require.Equal(t, resp.OK, admin.reply("ACL SETUSER bob -sentinel|remove"))
	for range long {
		require.Len(t, u.read().Str, maxAnswers)
	}
	require.Contains(t, u.read().Str, "NOPERM")
	require.Len(t, u.read().Str, maxAnswers)
}
