package sentinel

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
)

// wires is a world of connections for a rig: what was dialled and sent, per
// connection.
type wires struct {
	*rig
	dials map[LinkID]Dial
	open  []LinkID // in the order they were dialled
	sent  map[LinkID][]*Send
}

func newWires(t *testing.T, boot conf.State) *wires {
	return &wires{rig: newRig(t, boot), dials: map[LinkID]Dial{}, sent: map[LinkID][]*Send{}}
}

// take files effects and returns the commands sent by them as text.
func (w *wires) take(es []Effect) (cmds []string) {
	for _, e := range es {
		switch a := e.Action.(type) {
		case Dial:
			w.dials[a.Link] = a
			w.open = append(w.open, a.Link)
		case *Send:
			w.sent[a.Link] = append(w.sent[a.Link], a)
			for _, cmd := range a.Cmds {
				cmds = append(cmds, strings.Join(cmd, " "))
			}
		case Hangup:
			w.open = without(w.open, a.Link)
		}
	}
	return cmds
}

func without(ids []LinkID, id LinkID) (rest []LinkID) {
	for _, x := range ids {
		if x != id {
			rest = append(rest, x)
		}
	}
	return rest
}

func (w *wires) pass(d time.Duration) []string { return w.take(w.wait(d)) }

func (w *wires) put(in Input) []string { return w.take(w.step(in)) }

// to is the open connection to a port, Pub/Sub or not; 0 = none.
func (w *wires) to(port int, pubsub bool) LinkID {
	found := LinkID(0)
	for _, id := range w.open {
		if d := w.dials[id]; d.Addr.Port == port && d.PubSub == pubsub {
			found = id
		}
	}
	return found
}

func (w *wires) up(port int, pubsub bool) []string {
	id := w.to(port, pubsub)
	require.NotZero(w.t, id)
	cmds := w.put(LinkUp{Link: id, Local: "10.9.9.9"})
	if l := w.c.conns[id].link; l.users[0].kind == kindPeer {
		cmds = append(cmds, w.tellID(port, resp.Str(l.users[0].runID))...)
	}
	return cmds
}

// tellID answers the MYID that opened the connection to a peer (E-6).
func (w *wires) tellID(port int, v resp.Value) []string {
	w.t.Helper()
	for _, s := range w.sent[w.to(port, false)] {
		if slices.Equal(s.Cmds[0], []string{"SENTINEL", "MYID"}) {
			return w.put(Answer{Tag: s.Tag, Value: v})
		}
	}
	require.Fail(w.t, "not asked for its id")
	return nil
}

func (w *wires) down(port int, pubsub bool, refused bool) []string {
	id := w.to(port, pubsub)
	require.NotZero(w.t, id)
	w.open = without(w.open, id)
	return w.put(LinkDown{Link: id, Refused: refused})
}

// reply answers the last command on a connection that starts with word.
func (w *wires) reply(port int, word string, v resp.Value) []string {
	w.t.Helper()
	sends := w.sent[w.to(port, false)]
	for i := len(sends) - 1; i >= 0; i-- {
		if sends[i].Cmds[0][0] == word {
			return w.put(Answer{Tag: sends[i].Tag, Value: v})
		}
	}
	require.Fail(w.t, "not sent", "%s to %d", word, port)
	return nil
}

func (w *wires) pong(port int) { w.reply(port, "PING", resp.Status("PONG")) }

func down(st conf.State, after time.Duration) conf.State {
	st.Masters[0].DownAfter = after
	return st
}

// Rule: B-113, R-21: no HELLO, names as the original's, INFO at once.
func TestGreeting(t *testing.T) {
	pass, user := conf.NewSecret("pw"), "ann"
	boot := watched("mm", "10.0.0.1", 6379, 2)
	boot.Masters[0].AuthPass, boot.Masters[0].AuthUser = &pass, &user
	w := newWires(t, boot)
	w.pass(tickEvery)
	var cmd, pub []string
	for _, s := range w.sent[w.to(6379, false)] {
		cmd = append(cmd, strings.Join(s.Cmds[0], " "))
	}
	for _, s := range w.sent[w.to(6379, true)] {
		pub = append(pub, strings.Join(s.Cmds[0], " "))
	}
	require.Equal(t, []string{"AUTH ann pw", "CLIENT SETNAME sentinel-aaaaaaaa-cmd", "PING", "INFO"}, cmd)
	require.Equal(t, []string{"AUTH ann pw", "CLIENT SETNAME sentinel-aaaaaaaa-pubsub", "SUBSCRIBE __sentinel__:hello"}, pub)
}

// Peers get sentinel-pass, else requirepass; a user without a password sends
// nothing. Rule: C-62, W-31.
func TestCredentials(t *testing.T) {
	pass, user := conf.NewSecret("mp"), "mu"
	for _, tc := range []struct {
		name   string
		change func(*conf.State)
		peer   string // to a peer
		master string
	}{
		{"none", func(*conf.State) {}, "", ""},
		{"requirepass", func(s *conf.State) { s.RequirePass = conf.NewSecret("rp") }, "AUTH rp", ""},
		{"sentinel-pass", func(s *conf.State) { s.SentinelPass = conf.NewSecret("sp"); s.RequirePass = conf.NewSecret("rp") }, "AUTH sp", ""},
		{"sentinel-user", func(s *conf.State) { s.SentinelUser = "su"; s.SentinelPass = conf.NewSecret("sp") }, "AUTH su sp", ""},
		{"user alone", func(s *conf.State) { s.SentinelUser = "su"; s.Masters[0].AuthUser = &user }, "", ""},
		{"auth-pass", func(s *conf.State) { s.Masters[0].AuthPass = &pass }, "", "AUTH mp"},
		{"renamed", func(s *conf.State) {
			s.Masters[0].AuthPass = &pass
			s.SentinelPass = conf.NewSecret("sp")
			s.Masters[0].Renames = []conf.Rename{{Old: "auth", New: "SESAME"}}
		}, "AUTH sp", "SESAME mp"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			boot := around(watched("mm", "10.0.0.1", 6379, 2), 0, 1)
			tc.change(&boot)
			w := newWires(t, boot)
			w.pass(tickEvery)
			first := func(port int) string {
				cmd := strings.Join(w.sent[w.to(port, false)][0].Cmds[0], " ")
				if strings.HasPrefix(cmd, "CLIENT") {
					return ""
				}
				return cmd
			}
			require.Equal(t, tc.peer, first(26379))
			require.Equal(t, tc.master, first(6379))
		})
	}
}

// The first attempt is made at once, later ones a ping period apart; one lost
// connection does not touch the other. Rule: B-111, B-119, W-25.
func TestReconnect(t *testing.T) {
	w := newWires(t, watched("mm", "10.0.0.1", 6379, 2))
	w.pass(tickEvery)
	w.up(6379, false)
	w.up(6379, true)
	w.pass(3 * time.Second)
	first := w.to(6379, true)
	w.down(6379, true, false)
	second := w.to(6379, true)
	require.NotZero(t, second, "at once, since the last attempt is old")
	require.NotEqual(t, first, second)
	cmds := w.pass(time.Second)
	require.Contains(t, cmds, "PING", "the command connection goes on")
	w.down(6379, true, true)
	require.NotZero(t, w.to(6379, true))
	w.down(6379, true, true)
	require.Zero(t, w.to(6379, true), "not twice within a ping period")
	w.pass(time.Second - 1)
	require.Zero(t, w.to(6379, true))
	w.pass(2)
	require.NotZero(t, w.to(6379, true))
}

// Connect timeout: down-after between 500 ms and 5 s. Rule: W-26, R-24.
func TestConnectTimeout(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{
		100 * time.Millisecond: 500 * time.Millisecond, 2 * time.Second: 2 * time.Second, time.Minute: 5 * time.Second,
	} {
		w := newWires(t, down(watched("mm", "10.0.0.1", 6379, 2), after))
		w.pass(tickEvery)
		require.Equal(t, want, w.dials[w.to(6379, false)].Timeout)
	}
}

// Rule: B-116: a connection that answers nothing is dropped, 15 s after it was
// opened at the earliest.
func TestStaleCommandConnection(t *testing.T) {
	w := newWires(t, down(watched("mm", "10.0.0.1", 6379, 2), 28*time.Second))
	w.pass(tickEvery)
	w.up(6379, false)
	w.pong(6379)
	id := w.to(6379, false)
	w.pass(14 * time.Second)
	require.Equal(t, id, w.to(6379, false), "silent for longer than half of down-after, but young")
	w.pass(1500 * time.Millisecond)
	require.NotEqual(t, id, w.to(6379, false))
}

// Rule: B-117: a Pub/Sub connection on which nothing arrives for three publish
// periods is dropped.
func TestStalePubSubConnection(t *testing.T) {
	w := newWires(t, watched("mm", "10.0.0.1", 6379, 2))
	w.pass(tickEvery)
	w.up(6379, false)
	w.up(6379, true)
	id := w.to(6379, true)
	for range 20 {
		w.pass(time.Second)
		w.put(Hello{Link: id, Payload: []byte("anything")})
	}
	require.Equal(t, id, w.to(6379, true))
	w.pass(5 * time.Second)
	require.Equal(t, id, w.to(6379, true))
	w.pass(1100 * time.Millisecond)
	require.NotEqual(t, id, w.to(6379, true))
}

// A lost connection leaves the ping clocks alone: SDOWN comes down-after after
// the PING that nobody answered. Rule: B-110, B-118, B-310, B-311.
func TestALostConnectionKeepsThePendingPing(t *testing.T) {
	w := newWires(t, down(watched("mm", "10.0.0.1", 6379, 2), 2*time.Second))
	w.pass(tickEvery)
	w.up(6379, false)
	w.pong(6379)
	w.pass(1050 * time.Millisecond)
	m := w.c.byName["mm"]
	require.True(t, m.link.waits)
	since := m.link.pendingSince
	w.down(6379, false, false)
	w.up(6379, false)
	require.Equal(t, since, m.link.pendingSince)
	w.pass(since + 2*time.Second - w.now.Mono)
	require.False(t, m.sdown)
	w.pass(1)
	require.True(t, m.sdown)
}

// Rule: B-120.
func TestNewCredentialsCloseTheLinks(t *testing.T) {
	w := newWires(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 1))
	w.pass(tickEvery)
	for _, port := range []int{6379, 7000} {
		w.up(port, false)
		w.up(port, true)
	}
	w.up(26379, false)
	w.pass(2 * time.Second)
	master, replica, peer := w.to(6379, false), w.to(7000, true), w.to(26379, false)
	w.take(w.do("SENTINEL", "SET", "mm", "auth-pass", "new"))
	require.NotEqual(t, master, w.to(6379, false))
	require.NotEqual(t, replica, w.to(7000, true))
	require.Equal(t, peer, w.to(26379, false))
	w.take(w.do("SENTINEL", "CONFIG", "SET", "sentinel-pass", "new"))
	require.NotEqual(t, peer, w.to(26379, false))
}

// Peers with one run id under two masters share a link, which outlives either.
//
// Rule: B-121, B-122.
func TestPeersShareALink(t *testing.T) {
	boot := around(watched("m1", "10.0.0.1", 6379, 2), 0, 1)
	boot.Masters = append(boot.Masters, around(watched("m2", "10.0.0.1", 6380, 2), 0, 1).Masters...)
	w := newWires(t, boot)
	w.pass(tickEvery)
	dials := 0
	for _, d := range w.dials {
		if d.Addr.Port == 26379 {
			dials++
		}
	}
	require.Equal(t, 1, dials)
	w.up(26379, false)
	id := w.to(26379, false)
	_, fields := pairs(t, w.ask("SENTINEL", "SENTINELS", "m1").Elems[0])
	require.Equal(t, "2", fields["link-refcount"])
	w.take(w.do("SENTINEL", "REMOVE", "m1"))
	require.Equal(t, id, w.to(26379, false))
	w.reply(26379, "PING", resp.Status("PONG"))
	require.False(t, w.c.byName["m2"].peers[0].link.waits, "an answer to a ping of the link counts for who is left")
	w.take(w.do("SENTINEL", "REMOVE", "m2"))
	require.Zero(t, w.to(26379, false))
}

// Rule: B-301, B-302, R-24, W-2: a master is pinged every down-after/10, a
// replica as the original does.
func TestPingPeriods(t *testing.T) {
	w := newWires(t, down(around(watched("mm", "10.0.0.1", 6379, 2), 1, 0), 5*time.Second))
	w.pass(tickEvery)
	for _, port := range []int{6379, 7000} {
		w.up(port, false)
		w.pong(port)
	}
	pings := func(port int) (n int) {
		for _, s := range w.sent[w.to(port, false)] {
			if s.Cmds[0][0] == "PING" {
				n++
			}
		}
		return n
	}
	master, replica := pings(6379), pings(7000)
	for range 50 {
		w.pass(100 * time.Millisecond)
		w.pong(6379)
		w.pong(7000)
	}
	require.Equal(t, 10, pings(6379)-master)
	require.Equal(t, 5, pings(7000)-replica)
	w.do("SENTINEL", "DEBUG", "PING-PERIOD", "100")
	require.Equal(t, 100*time.Millisecond, w.c.byName["mm"].link.pingPeriod(w.c), "DEBUG is the upper limit")
}

// Rule: B-303, B-304.
func TestAcceptableReplies(t *testing.T) {
	for _, tc := range []struct {
		reply resp.Value
		ok    bool
	}{
		{resp.Status("PONG"), true}, {resp.Status("PONGY"), true}, {resp.Err("LOADING Redis is loading"), true},
		{resp.Err("MASTERDOWN Link with MASTER is down"), true}, {resp.Str("PONG"), false}, {resp.OK, false},
		{resp.Err("ERR x"), false}, {resp.Err("NOAUTH x"), false}, {resp.Err("MISCONF x"), false}, {resp.Err("BUSY x"), false},
	} {
		w := newWires(t, watched("mm", "10.0.0.1", 6379, 2))
		w.pass(tickEvery)
		w.up(6379, false)
		w.pass(50 * time.Millisecond)
		w.reply(6379, "PING", tc.reply)
		l := w.c.byName["mm"].link
		require.Equal(t, !tc.ok, l.waits, "%v", tc.reply)
		require.Equal(t, w.now.Mono, l.lastReply, "%v", tc.reply)
	}
}

// Rule: B-115.
func TestARefusedSubscriptionClosesTheConnection(t *testing.T) {
	w := newWires(t, watched("mm", "10.0.0.1", 6379, 2))
	w.pass(tickEvery)
	w.up(6379, false)
	w.up(6379, true)
	id := w.to(6379, true)
	w.put(Hello{Link: id, Failed: true})
	require.Zero(t, w.to(6379, true))
	_, fields := pairs(t, w.ask("SENTINEL", "MASTER", "mm"))
	require.Equal(t, "master,disconnected", fields["flags"])
	w.pass(time.Second)
	require.NotZero(t, w.to(6379, true), "retried by B-111")
}

// At most one INFO and one hello on their way; after an error the next one in
// a second. Rule: B-503, W-24, B-410.
func TestNoFlood(t *testing.T) {
	w := newWires(t, watched("mm", "10.0.0.1", 6379, 2))
	count := func(word string) (n int) {
		for _, s := range w.sent[w.to(6379, false)] {
			if s.Cmds[0][0] == word {
				n++
			}
		}
		return n
	}
	w.pass(tickEvery)
	w.up(6379, false)
	w.pass(12 * time.Second)
	w.pong(6379)
	require.Equal(t, 1, count("INFO"))
	require.Equal(t, 1, count("PUBLISH"))
	w.reply(6379, "INFO", resp.Err("NOPERM"))
	w.reply(6379, "PUBLISH", resp.Err("NOPERM"))
	w.pass(time.Second - 1)
	require.Equal(t, 1, count("INFO"))
	require.Equal(t, 1, count("PUBLISH"))
	w.pass(1)
	require.Equal(t, 2, count("INFO"))
	require.Equal(t, 2, count("PUBLISH"))
	w.reply(6379, "PUBLISH", resp.Int(2))
	w.pong(6379)
	w.pass(2*time.Second - 501*time.Millisecond)
	require.Equal(t, 2, count("PUBLISH"))
	w.pass(501 * time.Millisecond)
	require.Equal(t, 3, count("PUBLISH"), "a publish period after the acknowledgement, or half a ping period before that")
}

// A connection that cannot even be tried is told in the log, and to nobody.
//
// Rule: B-901, behaviour.md 9.2.
func TestTroubleWithALinkIsLogged(t *testing.T) {
	for _, tc := range []struct {
		pubsub bool
		want   string
	}{
		{false, "-cmd-link-reconnection"},
		{true, "-pubsub-link-reconnection"},
	} {
		t.Run(tc.want, func(t *testing.T) {
			w := newWires(t, watched("mm", "10.0.0.1", 6379, 2))
			w.pass(tickEvery)
			w.up(6379, false)
			w.up(6379, true)
			w.pass(3 * time.Second)
			w.down(6379, tc.pubsub, false)
			es := w.step(LinkDown{Link: w.to(6379, tc.pubsub), Reason: "Network is unreachable"})
			want := Emit{Event{Name: tc.want, Payload: "master mm 10.0.0.1 6379 #Network is unreachable", Level: LevelDebug, LogOnly: true}}
			require.True(t, slices.ContainsFunc(es, func(e Effect) bool { return e.Action == want }), "%v", es)
		})
	}
}
