package sentinel

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each reason is told that the state holds, and telling changes nothing.
//
// Rule: B-311, B-323, B-711, E-10, E-11.
func TestExplain(t *testing.T) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 2))
	explain := func() string {
		var before, after, b bytes.Buffer
		require.NoError(t, r.c.Dump(&before))
		require.NoError(t, r.c.Explain(&b, "mm"))
		require.NoError(t, r.c.Dump(&after))
		require.Equal(t, before.String(), after.String())
		return b.String()
	}
	r.wait(time.Second)
	text := explain()
	for _, want := range []string{
		"master mm 10.0.0.1:6379, config epoch 0; current epoch 0",
		"we see it up:",
		"not ODOWN: 0 see it down, quorum is 2",
		"peer bbbbbbbb 10.0.0.3:26379 (an original) (disconnected) says up",
		"no election starts: no ODOWN (E-10)",
		"10.0.0.2:7000 priority=100 offset=0 runid=: rejected: disconnected",
	} {
		require.Contains(t, text, want)
	}
	r.wait(40 * time.Second)
	text = explain()
	require.Contains(t, text, "we see it SDOWN, since ")
	require.Contains(t, text, "not ODOWN: 1 see it down, quorum is 2")
	require.Contains(t, text, "(an original) (SDOWN) says nothing since our SDOWN")
	r.ask("SENTINEL", "is-master-down-by-addr", "10.0.0.1", "6379", "3", peerID(1))
	r.step(Persisted{Seq: r.c.seq})
	text = explain()
	require.Contains(t, text, "our vote of epoch 3 is for "+peerID(1))
	require.Contains(t, text, "it locks us for another 2s (E-11)")
	m := r.c.byName["mm"]
	m.odown, m.election.startAt = true, farAway
	m.election.hopeless, r.c.votingSuspended.until = true, r.now.Mono+3*time.Second
	m.election.lastAttempt, m.election.hurried = r.now.Mono, 3
	text = explain()
	for _, want := range []string{
		"no election starts before something else happens",
		"held back for 2s: our vote for \"" + peerID(1) + "\" (E-11, E-24)",
		"no replica can be promoted, and another has just tried (E-58)",
		"the least pause between attempts (E-16)",
		"held back for 3s: it started with a file that it cannot write (E-45)",
	} {
		require.Contains(t, text, want)
	}
	m.odown = false
	require.Equal(t, []string{"mm"}, r.c.Masters())
	require.ErrorContains(t, r.c.Explain(&bytes.Buffer{}, "none"), `no such master: "none"`)
}
