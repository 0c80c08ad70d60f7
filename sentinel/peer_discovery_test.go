package sentinel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// peerList is a reply to SENTINEL SENTINELS that names these; a trailing ! says
// that one is SDOWN there.
func peerList(ids ...string) resp.Value {
	var out []resp.Value
	for _, id := range ids {
		flags := "sentinel"
		if strings.HasSuffix(id, "!") {
			id, flags = id[:len(id)-1], "s_down,sentinel"
		}
		out = append(out, resp.List(resp.Str("name"), resp.Str(id), resp.Str("runid"), resp.Str(id), resp.Str("flags"), resp.Str(flags)))
	}
	return resp.List(out...)
}

// meet lets r hear of peer i, connects them, and answers the list that it asks
// for behind its hello.
func (r *rig) meet(i int, list resp.Value) {
	r.t.Helper()
	r.do("PUBLISH", helloChannel, fmt.Sprintf("10.0.0.3,%d,%s,0,mm,10.0.0.1,6379,0", 26379+i, peerID(i)))
	r.step(Persisted{Seq: r.c.seq})
	p := r.c.byName["mm"].findPeer(peerID(i))
	require.NotNil(r.t, p)
	if p.link.cmd.state == connOpening {
		r.step(LinkUp{Link: p.link.cmd.id, Local: "10.0.0.9"})
	}
	for range 2 { // its hello, and then what is asked behind it
		for _, q := range append([]pending(nil), p.link.cmd.pending.all()...) {
			switch q.is {
			case sendIdentity:
				r.step(Answer{Tag: q.tag, Value: resp.Str(p.runID)})
			case sendHello:
				r.step(Answer{Tag: q.tag, Value: resp.Int(1)})
			case sendListQuestion:
				r.step(Answer{Tag: q.tag, Value: list})
			}
		}
	}
}

// Rule: E-18.
func TestDiscoveryIsClosedWhenAllHaveToldWhomTheyKnow(t *testing.T) {
	b, c, stranger := peerID(0), peerID(1), peerID(2)
	for _, tc := range []struct {
		name   string
		quorum int
		lists  []resp.Value
		why    string
	}{
		{"nobody was met", 1, nil, "no other Sentinel is known"},
		{"all know all", 2, []resp.Value{peerList(testID, c), peerList(testID, b)}, ""},
		{"one knows another", 2, []resp.Value{peerList(testID, c), peerList(testID, b, stranger)}, "cccccccc knows dddddddd, we do not"},
		{"one knows another that is down", 2, []resp.Value{peerList(testID, c), peerList(testID, b, stranger+"!")}, ""},
		{"too few of those named", 1, []resp.Value{peerList(testID, c+"!", stranger+"!", peerID(3)+"!")}, "2 are too few of 5 that were named"},
		{"fewer than the quorum", 3, []resp.Value{peerList(testID)}, "2 are too few of 2 that were named"},
		{"one does not know us", 2, []resp.Value{peerList(testID, c), peerList(b)}, "cccccccc is not connected or has not told whom it knows"},
		{"one may not be asked", 2, []resp.Value{peerList(testID, c), resp.Err("NOPERM this user has no permissions")}, "cccccccc is not connected or has not told whom it knows"},
		{"one answers nonsense", 2, []resp.Value{peerList(testID, c), resp.List(resp.Str("x"))}, "cccccccc is not connected or has not told whom it knows"},
		{"a run id that is none", 2, []resp.Value{peerList(testID, c), peerList(testID, "x")}, "cccccccc is not connected or has not told whom it knows"},
		{"a list without end", 2, []resp.Value{peerList(testID, c), resp.List(make([]resp.Value, 1000)...)}, "cccccccc is not connected or has not told whom it knows"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, watched("mm", "10.0.0.1", 6379, tc.quorum))
			m := r.c.byName["mm"]
			for i, list := range tc.lists {
				r.meet(i, list)
			}
			_, why := r.c.census(m)
			require.Equal(t, tc.why, why)
			want := m.discoverySince + 3*r.c.params.publishPeriod
			if tc.why == "" {
				want = m.closedAt + discoveryRest
			}
			require.Equal(t, want, r.c.discoveryEnd(m))
		})
	}
}

// Whom only others know, though SDOWN, counts among the voters of an attempt
// that the wait did not hold back.
//
// Rule: E-18, S-1.
func TestVotersOfAFreshStartAreAllThatWereNamed(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 1))
	m := r.c.byName["mm"]
	r.meet(0, peerList(testID, peerID(1), peerID(2)+"!", peerID(3)+"!"))
	r.meet(1, peerList(testID, peerID(0)))
	r.c.start(m, automatic)
	require.Equal(t, 3, m.need(), "a majority of five")
}

// A connection that ends takes the list with it; the next one asks again, but
// not for ever.
//
// Rule: E-18.
func TestListsEndWithTheirConnection(t *testing.T) {
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	m := r.c.byName["mm"]
	asked := 0
	for range maxListAsks + 1 {
		r.meet(0, peerList(testID))
		p := m.peers[0]
		if p.toldList() {
			asked++
		}
		r.step(LinkDown{Link: p.link.cmd.id})
		require.False(t, p.toldList())
		require.Equal(t, never, m.closedAt)
		r.wait(time.Second + time.Millisecond)
	}
	require.Equal(t, maxListAsks, asked)
}
