package sentinel

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
)

// downed is a rig whose master is silent and ODOWN by its own opinion.
func downed(t *testing.T, change func(st *conf.State)) *rig {
	st := around(watched("mm", "10.0.0.1", 6379, 1), 1, 0)
	st.Masters[0].Sentinels = []conf.Peer{{Addr: conf.Endpoint{Host: "10.0.0.3", Port: 26379}, RunID: peerID(0)}}
	st.Masters[0].DownAfter = time.Second
	change(&st)
	return newRig(t, st)
}

// attempts lets d pass, all writes succeed, and counts attempts and lines of log
// that contain word.
func (r *rig) attempts(d time.Duration, word string) (tried, lines int) {
	for end := r.now.Mono + d; r.now.Mono < end; {
		for _, e := range r.wait(min(10*time.Millisecond, end-r.now.Mono)) {
			if a, ok := e.Action.(Emit); ok {
				if a.Event.Name == "+try-failover" {
					tried++
				}
				if strings.Contains(a.Event.Payload, word) {
					lines++
				}
			}
		}
		r.step(Persisted{Seq: r.c.seq})
	}
	return tried, lines
}

// With a failover-timeout of a millisecond there was an attempt every three:
// each a new epoch and a save. Without a replica there is one in the 2 s of
// E-58's margin, else the gap doubles (quorum.TestLeastGap).
//
// Rule: E-16, E-58.
func TestAttemptsHaveAFloor(t *testing.T) {
	r := downed(t, func(st *conf.State) { st.Masters[0].FailoverTimeout = time.Millisecond })
	tried, _ := r.attempts(time.Minute, "-")
	require.Greater(t, tried, 3)
	require.LessOrEqual(t, tried, 30)
	before := r.c.epoch
	r.attempts(time.Hour, "-")
	require.LessOrEqual(t, uint64(r.c.epoch-before), uint64(1800))
}

// An epoch at its maximum does not begin again at 0: nobody stands, by hand
// neither, and it is said once.
//
// Rule: E-15, S-5.
func TestEpochsDoNotWrap(t *testing.T) {
	for _, epoch := range []uint64{math.MaxUint64, math.MaxInt64} {
		r := downed(t, func(st *conf.State) {
			st.CurrentEpoch, st.Masters[0].LeaderEpoch, st.Masters[0].ConfigEpoch = epoch, epoch, epoch
		})
		tried, lines := r.attempts(10*time.Minute, "NO FAILOVER")
		require.True(t, r.c.byName["mm"].odown)
		require.Zero(t, tried)
		require.Equal(t, 1, lines)
		require.Equal(t, "-ERR The current epoch is at its maximum, no failover can be started", r.line("sentinel", "failover", "mm"))
		st, _ := r.c.Durable()
		require.Equal(t, epoch, st.CurrentEpoch)
		require.Equal(t, epoch, st.Masters[0].LeaderEpoch)
		// what is asked and answered is a number that peers can read
		v := r.ask("SENTINEL", "is-master-down-by-addr", "10.0.0.1", "6379", "1", peerID(0))
		require.Equal(t, resp.Int(math.MaxInt64), v.Elems[2])
	}
	r := downed(t, func(st *conf.State) { st.CurrentEpoch = math.MaxInt64 - 1 })
	r.attempts(time.Hour, "-")
	require.EqualValues(t, math.MaxInt64, r.c.epoch, "the last one is used")
}

// Times at the maximum mean never: nobody is down, no replica is rejected for
// them, nothing is done without end, and they are shown and saved as they were
// set.
//
// Rule: C-55, B-311, B-711.
func TestTimesAtTheirMaximum(t *testing.T) {
	most := time.Duration(math.MaxInt64 / int64(time.Millisecond) * int64(time.Millisecond))
	r := downed(t, func(st *conf.State) {
		m := st.Masters[0]
		m.DownAfter, m.FailoverTimeout, m.RebootDownAfter = most, most, most
	})
	for _, p := range paramTable {
		require.Equal(t, "+OK", r.line("sentinel", "debug", p.name, "2147483647"), p.name)
	}
	m := r.c.byName["mm"]
	visits := r.c.visits
	tried, _ := r.attempts(time.Hour, "-")
	require.Zero(t, tried)
	require.False(t, m.sdown || m.odown)
	require.Less(t, r.c.visits-visits, uint64(4*36000), "no more than with each tick")
	m.sdown, m.sdownSince = true, r.now.Mono
	l := r.c.limits(m)
	require.Greater(t, l.MaxLinkDown, time.Hour)
	require.Greater(t, l.MaxInfoAge, time.Hour)
	m.sdown = false
	require.Greater(t, m.timing(r.c).AttemptPause(), time.Hour)
	require.Greater(t, r.c.phase(math.MaxInt64), time.Duration(-1))

	_, shown := pairs(t, r.ask("sentinel", "master", "mm"))
	require.Equal(t, "9223372036854", shown["down-after-milliseconds"])
	require.Equal(t, "9223372036854", shown["failover-timeout"])
	st, _ := r.c.Durable()
	require.Equal(t, most, st.Masters[0].DownAfter)
	require.Equal(t, most, st.Masters[0].FailoverTimeout)
	require.Equal(t, most, st.Masters[0].RebootDownAfter)
	require.Equal(t, "+OK", r.line("sentinel", "set", "mm", "down-after-milliseconds", "5000"))
	_, shown = pairs(t, r.ask("sentinel", "master", "mm"))
	require.Equal(t, "5000", shown["down-after-milliseconds"])
}
