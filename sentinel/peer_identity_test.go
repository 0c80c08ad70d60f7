package sentinel

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// met is a Sentinel that has heard of two peers and has a link to each, on which
// nobody has answered yet.
func met(t *testing.T, known bool) *wires {
	t.Helper()
	boot := down(around(watched("mm", "10.0.0.1", 6379, 2), 1, 0), time.Second)
	if known {
		boot = down(around(watched("mm", "10.0.0.1", 6379, 2), 1, 2), time.Second)
	}
	w := newWires(t, boot)
	for k := range 2 {
		w.take(w.do("PUBLISH", helloChannel, helloOf(k, 0, "10.0.0.1,6379", 0)))
	}
	w.pass(tickEvery)
	w.c.masters[0].discoverySince = never
	for _, port := range []int{6379, 7000} {
		w.up(port, false)
		w.up(port, true)
		w.pong(port)
	}
	for _, port := range []int{26379, 26380} {
		w.put(LinkUp{Link: w.to(port, false), Local: "10.9.9.9"})
		w.pong(port)
	}
	require.Len(t, w.c.masters[0].peers, 2)
	return w
}

// filed tells which peers the file names.
func (w *wires) filed() (ids []string) {
	st, _ := w.c.Durable()
	for _, p := range st.Masters[0].Sentinels {
		ids = append(ids, p.RunID)
	}
	return ids
}

// Nothing that a peer says counts before it has told its run id, on each new
// connection, nor if that is another's. Rule: E-6.
func TestWhoAnswersAnotherRunIDHasNoVote(t *testing.T) {
	for _, tc := range []struct {
		name    string
		says    resp.Value
		counts  bool // its opinion and its vote
		unknown bool // it is taken for a Sentinel that cannot tell
	}{
		{"its own", resp.Str(peerID(0)), true, false},
		{"ours", resp.Str(testID), false, false},
		{"that of the other peer", resp.Str(peerID(1)), false, false},
		{"a stranger's", resp.Str(peerID(3)), false, false},
		{"nothing", resp.Value{Kind: resp.Null}, false, false},
		{"a Redis server", resp.Err("ERR unknown command 'SENTINEL', with args beginning with: 'MYID' "), false, false},
		{"an original before 6.2", resp.Err("ERR Unknown sentinel subcommand 'myid'"), true, true},
		{"not permitted", resp.Err("NOPERM this user has no permissions to run the 'sentinel|myid' command"), true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, known := range []bool{false, true} {
				w := met(t, known)
				m := w.c.masters[0]
				w.loseMaster()
				require.NotZero(t, m.peers[0].asks)
				w.reply(26379, "SENTINEL", answer(1, "*", 0))
				require.False(t, m.odown, "it has not told its id yet")

				w.tellID(26379, tc.says)
				m.peers[0].askedAt = never
				w.c.touch(&m.node)
				cmds := w.pass(time.Millisecond)
				require.Equal(t, tc.counts, asks(cmds) > 0, "who has no opinion is not asked")
				if tc.counts {
					w.reply(26379, "SENTINEL", answer(1, "*", 0))
				}
				require.Equal(t, tc.counts, m.odown)
				want := 3
				if !known && !tc.counts {
					want = 2
				}
				require.Equal(t, want, m.voters(), "an invention counts as if nobody had made it, what was known goes on counting")
				require.Equal(t, want == 3, slices.Contains(w.filed(), peerID(0)))
				require.Equal(t, tc.counts, w.c.usable(m) == 3)
			}
		})
	}
}

// Two peers at one address that will not tell who they are have one vote, that of
// the newest; both count as voters, as before. Rule: E-6, B-430.
func TestOneAddressHasOneVote(t *testing.T) {
	w := met(t, true)
	m := w.c.masters[0]
	no := resp.Err("NOPERM this user has no permissions to run the 'sentinel|myid' command")
	w.tellID(26379, no)
	w.tellID(26380, no)
	require.False(t, m.peers[0].mute())
	w.take(w.do("PUBLISH", helloChannel, strings.Replace(helloOf(1, 0, "10.0.0.1,6379", 0), ",26380,", ",26379,", 1)))
	require.True(t, m.peers[1].addr.Same(m.peers[0].addr))
	w.put(LinkUp{Link: w.to(26379, false), Local: "10.9.9.9"})
	w.tellID(26379, no)
	require.True(t, m.peers[0].mute())
	require.False(t, m.peers[1].mute())
	require.Equal(t, 3, m.voters())
	require.Equal(t, 2, w.c.usable(m))

	w.loseMaster()
	require.Equal(t, never, m.peers[0].askedAt)
	w.take(w.do("PUBLISH", helloChannel, helloOf(1, 0, "10.0.0.1,6379", 0)))
	require.NotEqual(t, never, m.peers[0].askedAt, "it is alone at its address again, and asked at once")
}

// An address where a peer answers by its own run id is nobody else's; elsewhere
// the latest claim wins, and the number of voters does not fall. Rule: E-6, B-430.
func TestAProvenAddressIsNobodyElses(t *testing.T) {
	w := met(t, false)
	m := w.c.masters[0]
	w.tellID(26379, resp.Str(peerID(0)))
	thief := func() {
		w.take(w.do("PUBLISH", helloChannel, strings.Replace(helloOf(0, 0, "10.0.0.1,6379", 0), peerID(0), peerID(4), 1)))
	}
	thief()
	require.NotNil(t, m.findPeer(peerID(0)))
	require.Nil(t, m.findPeer(peerID(4)))
	w.down(26379, false, true)
	thief()
	require.Nil(t, m.findPeer(peerID(0)))
	require.NotNil(t, m.findPeer(peerID(4)), "it may have come back under another id")
	for w.to(26379, false) == 0 {
		w.pass(10 * time.Millisecond)
	}
	w.put(LinkUp{Link: w.to(26379, false), Local: "10.9.9.9"})
	w.tellID(26379, resp.Str(peerID(0)))
	require.True(t, m.findPeer(peerID(4)).mute())
	require.Equal(t, 3, m.voters())
}

// A warning tells once a minute of a peer that is somebody else, and when it is
// itself again. Rule: E-6, W-32.
func TestAFalsePeerIsTold(t *testing.T) {
	w := met(t, true)
	lines := func(v resp.Value) (out []string) {
		l := w.c.masters[0].peers[0].link
		w.c.identityReply(l, v)
		return told(w.c.finish())
	}
	bad := "# sentinel " + peerID(0) + " 10.0.0.3 26379 @ mm 10.0.0.1 6379 has no vote: "
	require.Contains(t, lines(resp.Str(testID)), bad+"this Sentinel itself answers there")
	require.Empty(t, lines(resp.Str(testID)))
	w.pass(time.Minute)
	require.Contains(t, lines(resp.Str(peerID(1))), bad+"Sentinel "+peerID(1)+" answers there")
	require.Contains(t, strings.Join(lines(resp.Str(peerID(0))), "\n"), "answers by its own run id again")
	require.Contains(t, lines(resp.Str("x")), bad+"something that is no Sentinel answers there")
}

// Of two peers at one address that will not tell who they are, only under the
// master that knows both does the older one have no vote: an invention under one
// master does not silence a Sentinel under another. Rule: E-6, B-430.
func TestANamesakeSilencesOnlyWhereItIsKnown(t *testing.T) {
	w := met(t, true)
	require.Equal(t, "+OK", w.line("sentinel", "monitor", "m2", "10.0.0.9", "6379", "2"))
	w.saved()
	w.take(w.do("PUBLISH", helloChannel, strings.Replace(helloOf(0, 0, "10.0.0.9,6379", 0), ",mm,", ",m2,", 1)))
	m, m2 := w.c.byName["mm"], w.c.byName["m2"]
	no := resp.Err("NOPERM this user has no permissions to run the 'sentinel|myid' command")
	w.tellID(26379, no)
	w.tellID(26380, no)
	w.take(w.do("PUBLISH", helloChannel, strings.Replace(helloOf(1, 0, "10.0.0.1,6379", 0), ",26380,", ",26379,", 1)))
	w.put(LinkUp{Link: w.to(26379, false), Local: "10.9.9.9"})
	w.tellID(26379, no)
	x, x2 := m.findPeer(peerID(0)), m2.findPeer(peerID(0))
	require.Same(t, x.link, x2.link)
	require.True(t, x.mute())
	require.False(t, x2.mute(), "nobody else is known there under m2")

	w.c.removePeer(m.findPeer(peerID(1)))
	require.False(t, x.mute(), "the namesake is gone")
}

// What a peer said before its address turned out to be somebody else's counts no
// more. Rule: E-6, B-320.
func TestWhatTheRefutedSaidIsForgotten(t *testing.T) {
	w := met(t, true)
	m := w.c.masters[0]
	w.tellID(26379, resp.Str(peerID(0)))
	w.loseMaster()
	w.reply(26379, "SENTINEL", answer(1, "*", 0))
	require.True(t, m.odown)
	w.down(26379, false, false)
	for w.to(26379, false) == 0 {
		w.pass(10 * time.Millisecond)
	}
	w.put(LinkUp{Link: w.to(26379, false), Local: "10.9.9.9"})
	w.tellID(26379, resp.Str(peerID(3)))
	require.False(t, m.peers[0].saysDown(w.c))
	require.False(t, m.odown)
}
