package sentinel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A stall of ours is no silence of theirs: the ping clocks stand still.
//
// Rule, W-20.
func TestAStallIsNoSilence(t *testing.T) {
	w := newWires(t, down(watched("mm", "10.0.0.1", 6379, 2), time.Second))
	w.pass(tickEvery)
	w.up(6379, false)
	w.pong(6379)
	w.pass(200 * time.Millisecond)
	m := w.c.masters[0]
	require.True(t, m.link.waits)
	w.now.Mono += 1500 * time.Millisecond
	w.put(Tick{})
	require.False(t, m.sdown)
	require.False(t, w.c.tilt)
	w.pong(6379)
	w.pass(900 * time.Millisecond)
	require.False(t, m.sdown)
}

// A Sentinel that is stalled again and again, as on a machine with too much to
// do, still finds who is down. Rule: R-18.
func TestStallsDoNotBlind(t *testing.T) {
	w := newWires(t, down(watched("mm", "10.0.0.1", 6379, 2), time.Second))
	w.pass(tickEvery)
	m := w.c.masters[0]
	for range 20 {
		w.now.Mono += 500 * time.Millisecond
		w.put(Tick{})
	}
	require.True(t, m.sdown)
}

// Votes that are counted when the election is over, after a TILT, elect nobody;
// the next attempt may come soon. Rule: E-31, E-34, S-4.
func TestVotesThatComeTooLate(t *testing.T) {
	w := alone(t, 1)
	m := w.c.masters[0]
	require.Equal(t, stateWaitStart, m.failover.state)
	w.now.Mono += 15 * time.Second
	w.put(Tick{})
	require.True(t, w.c.tilt)
	w.saved()
	var events []string
	for w.c.tilt {
		w.now.Mono += tickEvery
		events = append(events, told(w.step(Tick{}))...)
	}
	require.Contains(t, events, "# -failover-abort-not-elected master mm 10.0.0.1 6379")
	require.NotContains(t, events, "# +elected-leader master mm 10.0.0.1 6379")
	require.Equal(t, stateNone, m.failover.state)
	require.LessOrEqual(t, m.election.pauseUntil, w.now.Mono+time.Second)
}
