package sentinel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
)

// logged are the log-only warnings among effects.
func logged(es []Effect) (lines []string) {
	for _, e := range es {
		if a, ok := e.Action.(Emit); ok && a.Event.LogOnly && a.Event.Level == LevelWarning {
			lines = append(lines, a.Event.Line())
		}
	}
	return lines
}

// lastSend is the tag of the last command on a connection that starts with word.
func (w *wires) lastSend(port int, pubsub bool, word string) Tag {
	w.t.Helper()
	sends := w.sent[w.to(port, pubsub)]
	for i := len(sends) - 1; i >= 0; i-- {
		if sends[i].Cmds[0][0] == word {
			return sends[i].Tag
		}
	}
	require.Fail(w.t, "not sent", "%s to %d", word, port)
	return 0
}

// An instance that answers a command with an error is told of in the log: once,
// again a minute later while it lasts, and when it is over. What it says cannot
// move the cursor, is short, and has no password.
//
// Rule: W-32, B-930, B-931.
func TestErrorsOfInstancesAreTold(t *testing.T) {
	for _, tc := range []struct {
		port        int
		command, is string
		good        resp.Value
		want, over  string
	}{
		{6379, "AUTH", "WRONGPASS invalid", resp.OK, "answers AUTH with an error: WRONGPASS invalid", "no longer answers AUTH with an error"},
		{6379, "AUTH", "ERR unknown command 'AUTH', with args beginning with: 'pw' ", resp.OK, "answers AUTH with an error: ERR unknown command 'AUTH'", "no longer answers AUTH with an error"},
		{6379, "AUTH", "ERR what is pw", resp.OK, "answers AUTH with an error: ERR what is ***", "no longer answers AUTH with an error"},
		{6379, "CLIENT", "NOPERM x", resp.OK, "answers CLIENT with an error: NOPERM x", "no longer answers CLIENT with an error"},
		{6379, "PING", "NOPERM a\r\n\x1b[2J\xff", resp.Status("PONG"), "answers PING with an error: NOPERM a  ?[2J?", "no longer answers PING with an error"},
		{6379, "PING", "MISCONF x", resp.Status("PONG"), "answers PING with an error: MISCONF x", "no longer answers PING with an error"},
		{6379, "PING", "LOADING x", resp.Status("PONG"), "answers PING with an error: LOADING x", "no longer answers with the error LOADING"},
		{6379, "PING", "MASTERDOWN x", resp.Status("PONG"), "answers PING with an error: MASTERDOWN x", "no longer answers with the error MASTERDOWN"},
		{6379, "PING", "BUSY x", resp.Status("PONG"), "answers PING with an error: BUSY x", "no longer answers with the error BUSY"},
		{6379, "PING", "NOAUTH x", resp.Status("PONG"), "answers PING with an error: NOAUTH x", "no longer answers with the error NOAUTH"},
		{6379, "CLIENT", "ERR max number of clients reached", resp.OK, "refuses connections: ERR max number of clients reached", "accepts connections again"},
		{6379, "CLIENT", "DENIED Redis is running in protected mode", resp.OK, "refuses connections: DENIED Redis is running in protected mode", "accepts connections again"},
		{6379, "INFO", "NOPERM x", resp.Str("role:master\r\n"), "answers INFO with an error: NOPERM x", "no longer answers INFO with an error"},
		{6379, "PUBLISH", "OOM " + strings.Repeat("x", 1000), resp.Int(0), "answers PUBLISH with an error: OOM " + strings.Repeat("x", maxWords-4), "no longer answers PUBLISH with an error"},
		{26379, "SENTINEL", "NOPERM x", opinion(0, "*", 0), "answers SENTINEL with an error: NOPERM x", "no longer answers SENTINEL with an error"},
		{26379, "INFO", "NOPERM x", resp.Str(""), "answers INFO with an error: NOPERM x", "no longer answers INFO with an error"},
	} {
		t.Run(tc.command+" "+tc.is[:min(len(tc.is), 30)], func(t *testing.T) {
			boot := around(watched("mm", "10.0.0.1", 6379, 2), 0, 1)
			pass := conf.NewSecret("pw")
			boot.Masters[0].AuthPass = &pass
			w := newWires(t, down(boot, time.Second))
			w.pass(tickEvery)
			w.up(26379, false)
			if tc.port == 26379 {
				w.pass(900 * time.Millisecond)
				w.pong(26379)
				w.pass(200 * time.Millisecond) // the master is down: the peer is asked
			} else {
				w.up(6379, false)
			}
			who := "master mm 10.0.0.1 6379 "
			if tc.port == 26379 {
				who = "sentinel " + peerID(0) + " 10.0.0.3 26379 @ mm 10.0.0.1 6379 "
			}
			tag := w.lastSend(tc.port, false, tc.command)
			cn := w.c.conns[tag.Link()]
			sent, ok := cn.pending.take(tag)
			require.True(t, ok)
			say := func(v resp.Value) []string {
				w.c.now = w.now
				w.c.hearWords(cn, sent.is, &v)
				return logged(w.c.finish())
			}
			require.Equal(t, []string{who + tc.want}, say(resp.Err(tc.is)))
			w.now.Mono += 59 * time.Second
			require.Empty(t, say(resp.Err(tc.is)), "not twice in a minute")
			w.now.Mono += time.Second
			require.Equal(t, []string{who + tc.want}, say(resp.Err(tc.is)), "again after one")
			require.Equal(t, []string{who + tc.over + ", after 60 s"}, say(tc.good))
			require.Empty(t, say(tc.good))
			require.Empty(t, say(resp.Err(tc.is)), "still not twice in a minute")
			require.Empty(t, say(tc.good), "of what was not told the end is not told")
		})
	}
}

// Rule: W-32, B-115.
func TestARefusedSubscriptionIsTold(t *testing.T) {
	w := newWires(t, watched("mm", "10.0.0.1", 6379, 2))
	w.pass(tickEvery)
	w.up(6379, true)
	who := "master mm 10.0.0.1 6379 "
	require.Equal(t, []string{who + "answers SUBSCRIBE with an error: NOPERM x"},
		logged(w.step(Hello{Link: w.to(6379, true), Failed: true, Payload: []byte("NOPERM x")})))
	w.open = nil
	w.pass(2 * time.Second)
	require.Equal(t, []string{who + "no longer answers SUBSCRIBE with an error, after 2 s"},
		logged(w.step(Hello{Link: w.to(6379, true)})))
}

// A connection that ends before anything is answered, again and again, and one
// that TLS prevents; one that is refused or times out is told by +sdown.
//
// Rule: W-32.
func TestConnectionsThatEndAreTold(t *testing.T) {
	for _, tc := range []struct {
		name, reason string
		up           bool
		want         string
		times        int
	}{
		{"closed at once", "Server closed the connection", true, "ends connections before it answers: Server closed the connection", 3},
		{"handshake", "TLS handshake: x509: bad\x1b", false, "refuses connections: TLS handshake: x509: bad?", 1},
		{"no TLS here", "Failed to initialize TLS", false, "refuses connections: Failed to initialize TLS", 1},
		{"refused", "Connection refused", false, "", 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWires(t, watched("mm", "10.0.0.1", 6379, 2))
			w.pass(tickEvery)
			var lines []string
			for k := range tc.times {
				require.Empty(t, lines, "%d", k)
				id := w.to(6379, false)
				if tc.up {
					w.up(6379, false)
				}
				w.open = without(w.open, id)
				es := w.step(LinkDown{Link: id, Reason: tc.reason})
				w.take(es)
				lines = append(lines, logged(es)...)
				w.pass(time.Second)
			}
			if tc.want == "" {
				require.Empty(t, lines)
				return
			}
			require.Equal(t, []string{"master mm 10.0.0.1 6379 " + tc.want}, lines)
			w.up(6379, false)
			es := w.step(Answer{Tag: w.lastSend(6379, false, "CLIENT"), Value: resp.OK})
			require.Len(t, logged(es), 1)
			require.Contains(t, logged(es)[0], " accepts connections again, after ")
		})
	}
}

// Rule: W-32, R-19: a Sentinel whose hellos are dropped is told of by its run
// id, and when they are taken; one that names another master too.
func TestHellosThatCannotBeUsedAreTold(t *testing.T) {
	w := newWires(t, watched("mm", "10.0.0.1", 6379, 2))
	w.pass(tickEvery)
	w.up(6379, true)
	hear := func(payload string) []string {
		return logged(w.step(Hello{Link: w.to(6379, true), Payload: []byte(payload)}))
	}
	good := helloOf(0, 0, "10.0.0.1,6379", 0)
	require.Equal(t, []string{"The hello of Sentinel " + peerID(0) + " about mm from master mm 10.0.0.1 6379 is dropped: its port is 0 (1 dropped so far)"},
		hear(strings.Replace(good, "26379", "0", 1)))
	require.Empty(t, hear(strings.Replace(good, "26379", "0", 1)))
	require.Len(t, hear(strings.Replace(helloOf(1, 0, "10.0.0.1,6379", 0), "26380", "0", 1)), 1, "another one")
	w.pass(3 * time.Second)
	require.Equal(t, []string{"The hello of Sentinel " + peerID(0) + " about mm is no longer dropped, after 3 s"}, hear(good))

	require.Equal(t, []string{"sentinel " + peerID(0) + " 10.0.0.3 26379 @ mm 10.0.0.1 6379 names 10.0.0.9:6379 as the master, and config epoch 0 as we do: the configurations differ"},
		hear(helloOf(0, 0, "10.0.0.9,6379", 0)))
	w.pass(2 * time.Second)
	require.Empty(t, hear(helloOf(0, 0, "10.0.0.9,6379", 0)))
	require.Equal(t, []string{"sentinel " + peerID(0) + " 10.0.0.3 26379 @ mm 10.0.0.1 6379 agrees on the address of mm, after 2 s"}, hear(good))
}

// Rule: W-32, R-19, S2.7: whatever is sent, sixteen things of one instance are
// remembered, and told in a minute.
func TestComplaintsAreBounded(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	m := r.c.byName["mm"]
	lines := 0
	junk := func(n int) {
		for i := range n {
			lines += len(logged(r.do("PUBLISH", helloChannel, fmt.Sprintf("10.0.0.3,0,%040x,0,mm,10.0.0.1,6379,0", i))))
		}
	}
	junk(1000)
	require.Equal(t, complaintsKept, lines)
	require.Len(t, m.link.complaints, complaintsKept)
	r.wait(time.Minute)
	junk(2000)
	require.Equal(t, 2*complaintsKept, lines)
	require.Len(t, m.link.complaints, complaintsKept)
}

// What tells no role is shown as a slave, as in the original; nobody is
// pointed to it, it is not down for that, and the log says what is there.
//
// Rule: B-520, B-522, B-311, B-931.
func TestInfoWithoutARoleIsNoMaster(t *testing.T) {
	w := newWires(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 0))
	w.pass(tickEvery)
	w.up(6379, false)
	w.up(7000, false)
	m := w.c.byName["mm"]
	info := func(port int, text string) []string {
		es := w.step(Answer{Tag: w.lastSend(port, false, "INFO"), Value: resp.Str(text)})
		w.take(es)
		return told(es)
	}
	require.Equal(t, []string{
		"- -role-change master mm 10.0.0.1 6379 new reported role is slave",
		"# master mm 10.0.0.1 6379 tells no role in INFO, but redis_mode:sentinel: no Redis server to be watched",
	}, info(6379, "redis_version:7.0.15\r\nredis_mode:sentinel\r\n"))
	require.Equal(t, []string{
		"- -role-change slave 10.0.0.2:7000 10.0.0.2 7000 @ mm 10.0.0.1 6379 new reported role is slave",
		"# slave 10.0.0.2:7000 10.0.0.2 7000 @ mm 10.0.0.1 6379 tells no role in INFO, but no redis_mode: no Redis server to be watched",
	}, info(7000, "# Nothing\r\n"))
	_, fields := pairs(t, w.ask("SENTINEL", "MASTER", "mm"))
	require.Equal(t, "slave", fields["role-reported"])
	require.False(t, w.c.looksSane(m))
	require.False(t, m.replicas[0].stray())
	for range 80 {
		w.pass(time.Second)
		w.pong(6379)
	}
	require.False(t, m.sdown)
	require.Equal(t, []string{
		"- +role-change master mm 10.0.0.1 6379 new reported role is master",
		"# master mm 10.0.0.1 6379 tells a role in INFO, after 80 s",
	}, info(6379, "redis_mode:standalone\r\nrole:master\r\n"))
}
