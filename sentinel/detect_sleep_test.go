package sentinel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/quorum"
)

// leading is a Sentinel that is about to promote: its master is down for both, and
// it has the vote of its peer, both as of this moment.
func leading(t *testing.T) (*rig, *master, *peer) {
	r := newRig(t, around(watched("mm", "10.0.0.1", 6379, 2), 1, 1))
	r.wait(time.Second)
	c, m := r.c, r.c.masters[0]
	p := m.peers[0]
	m.sdown, m.sdownSince, m.odown, m.odownSince = true, r.now.Mono, true, r.now.Mono
	m.link.downs = 1
	c.start(m, automatic)
	c.durableSeq = c.seq
	p.opinionDown, p.answered, p.answeredAt = true, true, r.now.Mono
	p.voteReply.kind, p.voteReply.sentAt = quorum.VoteGranted, r.now.Mono
	m.infoAt = r.now.Mono
	m.failover.state = stateSelectSlave
	require.Equal(t, 2, c.freshVotes(m))
	require.True(t, p.saysDown(c))
	return r, m, p
}

// While the machine was suspended the monotonic clock stood still: votes are
// asked for again, and so are opinions and INFO; who owes a reply has the whole
// down-after for it again. A long sleep is TILT, as any long stall.
//
// Rule, E-34, S-4.
func TestSuspendedMachine(t *testing.T) {
	r, m, p := leading(t)
	r.c.slept(400 * time.Millisecond)
	require.Equal(t, 2, r.c.freshVotes(m), "shorter than the lease")

	r.c.slept(time.Second)
	require.False(t, r.c.tilt)
	require.Equal(t, 1, r.c.freshVotes(m))
	require.Equal(t, waits, r.c.mayPromote(m))
	require.True(t, p.saysDown(r.c), "it is not that old")
	require.Zero(t, p.link.silence(r.c), "its reply may have been lost meanwhile")

	r, m, p = leading(t)
	r.c.slept(time.Hour)
	out := told(r.c.finish())
	require.True(t, r.c.tilt)
	require.Contains(t, out, "# +tilt #tilt mode entered")
	require.False(t, p.saysDown(r.c))
	require.Equal(t, r.now.Mono-time.Hour, m.infoAt)
	require.Equal(t, stateNone, m.failover.state, "its time is over")
}

// A wall clock that is set forward may mean that: what was heard is asked again,
// and an attempt that would have expired is given up. But there is no TILT, and
// silence counts on: a clock that is set again and again keeps nobody from being
// found down.
//
// Rule: R-9, W-21.
func TestWallClockIsSet(t *testing.T) {
	set := func(r *rig, ms int64, in Input) {
		from := r.c.now
		r.c.now.Wall += ms
		r.c.checkWallClock(from, in)
	}
	r, m, p := leading(t)
	silent := p.link.silence(r.c)
	require.Positive(t, silent)
	set(r, -time.Hour.Milliseconds(), Tick{})
	require.Equal(t, 2, r.c.freshVotes(m), "set back")

	set(r, 1000, Tick{})
	require.Equal(t, 1, r.c.freshVotes(m))
	require.Equal(t, stateSelectSlave, m.failover.state)

	set(r, time.Hour.Milliseconds(), Tick{})
	require.False(t, r.c.tilt)
	require.False(t, p.saysDown(r.c))
	require.Equal(t, silent, p.link.silence(r.c))
	require.Equal(t, stateNone, m.failover.state)

	r, m, _ = leading(t)
	set(r, time.Hour.Milliseconds(), Slept{For: time.Second})
	require.False(t, r.c.tilt, "it is known how long it slept")
	require.Equal(t, stateSelectSlave, m.failover.state)
}
