package listener

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// publish publishes from the loop, as the daemon does.
func (w *world) publish(channel, payload string) {
	w.loop.do(func() { w.s.Publish(channel, payload) })
}

func messageText(kind string, words ...string) string {
	v := resp.Value{Kind: resp.Push, Elems: []resp.Value{resp.Str(kind)}}
	for _, word := range words {
		v.Elems = append(v.Elems, resp.Str(word))
	}
	return string(resp.Append(nil, 2, v))
}

// Rule: K-5, delivery by channel, then by pattern; patterns are case-sensitive.
func TestPublish(t *testing.T) {
	w := start(t)
	two, three := w.dial(), w.dial()
	two.ask("SUBSCRIBE +sdown other", "*3\r\n$9\r\nsubscribe\r\n$6\r\n+sdown\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$5\r\nother\r\n:2\r\n")
	two.ask("PSUBSCRIBE +s* +S*", "*3\r\n$10\r\npsubscribe\r\n$3\r\n+s*\r\n:3\r\n*3\r\n$10\r\npsubscribe\r\n$3\r\n+S*\r\n:4\r\n")
	three.reply("HELLO 3")
	three.ask("PSUBSCRIBE *", ">3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n")

	w.publish("+sdown", "master m 127.0.0.1 6379")
	two.expect(messageText("message", "+sdown", "master m 127.0.0.1 6379") + messageText("pmessage", "+s*", "+sdown", "master m 127.0.0.1 6379"))
	three.expect(">" + messageText("pmessage", "*", "+sdown", "master m 127.0.0.1 6379")[1:])

	three.ask("PING", "+PONG\r\n")
	three.ask("ROLE", "*2\r\n$8\r\nsentinel\r\n*0\r\n")
	two.ask("UNSUBSCRIBE +sdown", "*3\r\n$11\r\nunsubscribe\r\n$6\r\n+sdown\r\n:3\r\n")
	w.publish("+sdown", "x")
	two.expect(messageText("pmessage", "+s*", "+sdown", "x"))
	three.expect(">" + messageText("pmessage", "*", "+sdown", "x")[1:])

	// HELLO 2 takes a subscribed RESP3 client back into the narrow mode.
	three.reply("HELLO 2")
	three.send("ROLE\r\n")
	require.Contains(t, three.read().Str, "Can't execute 'role'")
	w.publish("+odown", "y")
	three.expect(messageText("pmessage", "*", "+odown", "y"))
	two.ask("PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n")
}

// Rule: K-5, CLIENT REPLY does not keep messages back.
func TestPublishToMuted(t *testing.T) {
	w := start(t)
	u := w.dial()
	u.ask("CLIENT REPLY OFF\r\nSUBSCRIBE a", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	w.publish("a", "x")
	u.expect(messageText("message", "a", "x"))
}

// Rule: K-2.0, own pushes come after the reply of the command that caused
// them, and before that of the next in the pipeline.
func TestOwnPushesFollowTheReply(t *testing.T) {
	w := start(t)
	n := 0
	w.loop.do(func() {
		w.loop.answer = func(l *loop, r Request) {
			n++
			l.s.Publish("+set", fmt.Sprint("a", n))
			l.s.Publish("+set", fmt.Sprint("b", n))
			l.s.Respond(r.ID, resp.Err(fmt.Sprint("ERR ", n)))
		}
	})
	u := w.dial()
	u.reply("HELLO 3")
	u.ask("SUBSCRIBE +set", ">3\r\n$9\r\nsubscribe\r\n$4\r\n+set\r\n:1\r\n")
	const rounds = 50
	want := ""
	for i := 1; i <= rounds; i++ {
		want += fmt.Sprintf("-ERR %d\r\n", i)
		for _, payload := range []string{fmt.Sprint("a", i), fmt.Sprint("b", i)} {
			want += ">" + messageText("message", "+set", payload)[1:]
		}
		want += "+PONG\r\n"
	}
	u.send(strings.Repeat("SENTINEL SET m quorum 2\r\nPING\r\n", rounds))
	u.expect(want)
	for _, size := range w.loop.sizes() {
		require.Equal(t, 1, size, "a subscriber's requests are submitted one at a time")
	}
	u.send("CLIENT REPLY OFF\r\nROLE\r\nCLIENT REPLY ON\r\n")
	u.expect(">" + messageText("message", "+set", "a51")[1:] + ">" + messageText("message", "+set", "b51")[1:] + "+OK\r\n")
}

// Rule: K-5, K-8.3: a subscriber that does not read is dropped at its limit and
// delays nobody.
func TestStuckSubscriber(t *testing.T) {
	w := start(t, func(o *Options) { o.OutputPubSub = OutputLimit{Hard: 1 << 20} })
	stuck, good := w.dial(), w.dial()
	for _, u := range []*user{stuck, good} {
		u.ask("SUBSCRIBE a", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	}
	payload := strings.Repeat("x", 256<<10)
	for i := 0; ; i++ {
		require.Less(t, i, 400, "never dropped")
		w.publish("a", payload)
		good.expect(messageText("message", "a", payload))
		if w.s.connected() == 1 {
			break
		}
	}
	require.Contains(t, w.logs.String(), "scheduled to be closed ASAP for overcoming of output buffer limits.")
	good.ask("PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n")
}

// What another client's command caused, once that is answered, comes before the
// reply to a subscriber's next request, be it PONG or an error.
//
// Rule: K-5.
func TestEventsComeBeforeLaterReplies(t *testing.T) {
	const n = 10000 // takes the hub longer than a request takes to come
	w := start(t)
	w.loop.do(func() {
		w.loop.answer = func(l *loop, r Request) {
			for range n {
				l.s.Publish("a", "event")
			}
			l.s.Respond(r.ID, resp.Int(n))
		}
	})
	a, b := w.dial(), w.dial()
	b.ask("SUBSCRIBE a", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	events := strings.Repeat(messageText("message", "a", "event"), n)
	for request, reply := range map[string]string{
		"PING": "*2\r\n$4\r\npong\r\n$0\r\n\r\n",
		"ROLE": "-ERR Can't execute 'role': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n",
	} {
		a.ask("PUBLISH a event", fmt.Sprintf(":%d\r\n", n))
		b.ask(request, events+reply)
	}
}

// Rule: K-8.3, the soft limit counts once it is exceeded for long enough.
func TestSoftLimit(t *testing.T) {
	w := start(t, func(o *Options) { o.OutputPubSub = OutputLimit{Soft: 64 << 10, SoftFor: time.Second} })
	u := w.dial()
	u.ask("SUBSCRIBE a", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	payload := strings.Repeat("x", 1<<20)
	for range 32 { // more than the sockets take
		w.publish("a", payload)
	}
	eventually(t, func() bool { return w.s.connected() == 0 }, "not dropped")
	require.Zero(t, w.s.stats.overSoft.Load())
}

// A client that reads slowly gets all that fits its limit, in order.
func TestSlowSubscriberGetsAll(t *testing.T) {
	w := start(t, func(o *Options) { o.OutputPubSub = OutputLimit{Hard: 64 << 20} })
	u := w.dial()
	u.ask("SUBSCRIBE a", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	var want strings.Builder
	for i := range 64 {
		payload := fmt.Sprint(i) + strings.Repeat("x", 200<<10)
		w.publish("a", payload)
		want.WriteString(messageText("message", "a", payload))
	}
	u.expect(want.String())
	u.ask("PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n")
}

// 2000 subscribers all hear the same message, and leave nothing behind.
func TestManySubscribers(t *testing.T) {
	w := start(t)
	const n = 2000
	all := make([]net.Conn, 0, n)
	for range n {
		conn, err := net.Dial("tcp", w.addr)
		require.NoError(t, err)
		all = append(all, conn)
		_, err = io.WriteString(conn, "SUBSCRIBE +switch-master\r\n")
		require.NoError(t, err)
	}
	confirm := "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n"
	read := func(want string) {
		buf := make([]byte, len(want))
		for _, conn := range all {
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
			_, err := io.ReadFull(conn, buf)
			require.NoError(t, err)
			require.Equal(t, want, string(buf))
		}
	}
	read(confirm)
	w.publish("+switch-master", "m 127.0.0.1 1 127.0.0.1 2")
	read(messageText("message", "+switch-master", "m 127.0.0.1 1 127.0.0.1 2"))
	for _, conn := range all {
		conn.Close()
	}
	eventually(t, func() bool { return w.s.connected() == 0 }, "clients remain")
	channels, patterns := w.s.hub.sizes()
	require.Zero(t, channels+patterns)
}

// What one client may subscribe to is bounded.
func TestSubscriptionsAreBounded(t *testing.T) {
	w := start(t)
	u := w.dial()
	name := strings.Repeat("n", 1<<20)
	go func() {
		for i := range 80 {
			if _, err := io.WriteString(u.conn, multibulk("SUBSCRIBE", fmt.Sprint(i)+name)); err != nil {
				return
			}
		}
	}()
	_, _ = io.Copy(io.Discard, u.conn)
	eventually(t, func() bool { return w.s.connected() == 0 }, "not dropped")
	channels, _ := w.s.hub.sizes()
	require.Zero(t, channels)
}
