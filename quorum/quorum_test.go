package quorum

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/rng"
)

// Rule: B-620, S-4: a leader needs a majority of the voters and quorum votes.
func TestNeed(t *testing.T) {
	for _, tc := range []struct{ voters, quorum, want int }{
		{1, 1, 1}, {2, 1, 2}, {3, 2, 2}, {3, 1, 2}, {3, 3, 3}, {4, 2, 3}, {5, 2, 3}, {5, 4, 4},
	} {
		require.Equal(t, tc.want, Need(tc.voters, tc.quorum), "%d voters, quorum %d", tc.voters, tc.quorum)
	}
}

// Two sets of Need voters always share one. Rule: B-620, S-1.
func TestTwoLeadersNeedACommonVoter(t *testing.T) {
	for voters := 1; voters <= 50; voters++ {
		for q := 1; q <= voters; q++ {
			require.Greater(t, 2*Need(voters, q), voters)
		}
	}
}

// Rule: B-323.
func TestAgreed(t *testing.T) {
	require.True(t, Agreed(true, 0, 1))
	require.True(t, Agreed(true, 1, 2))
	require.False(t, Agreed(true, 0, 2))
	require.False(t, Agreed(false, 5, 2), "never without our own SDOWN")
}

// Rule: R-19.
func TestAbsurd(t *testing.T) {
	require.False(t, Absurd(5, 4))
	require.False(t, Absurd(5, 5+MaxJump))
	require.True(t, Absurd(5, 6+MaxJump))
	require.True(t, Absurd(0, math.MaxUint64))
}

// The lease of a leader ends before the bind of its voters, whatever the
// options and round trips. Rule: E-11, E-34, S-8.
func TestLeaseIsShorterThanBind(t *testing.T) {
	for _, ft := range []time.Duration{10 * time.Millisecond, time.Second, 6 * time.Second, 3 * time.Minute} {
		for _, r := range []time.Duration{0, time.Millisecond, 50 * time.Millisecond, time.Second} {
			tm := Timing{ElectionTimeout: 10 * time.Second, FailoverTimeout: ft}
			require.LessOrEqual(t, tm.Lease(r), tm.Lock(false, r))
			require.LessOrEqual(t, tm.Lease(0), tm.Lock(true, r))
			require.Less(t, tm.Renew(), tm.Lease(r))
		}
	}
}

// Figures of election.md, section 2. Rule: E-10, E-25, E-33, E-58, E-63.
func TestTiming(t *testing.T) {
	tm := Timing{ElectionTimeout: 10 * time.Second, FailoverTimeout: 180 * time.Second}
	ms := time.Millisecond
	require.Equal(t, 10*time.Second, tm.Election())
	require.Equal(t, 505*ms, tm.Lease(5*ms))
	require.Equal(t, 125*ms, tm.Renew())
	require.Equal(t, 510*ms, tm.Lock(false, 5*ms))
	require.Equal(t, 2*time.Second, tm.Lock(true, 5*ms))
	require.Equal(t, 5*time.Second, tm.Limit())
	require.Equal(t, 11*time.Second, tm.Guard())
	require.Equal(t, 362*time.Second, tm.AttemptPause())
	require.Equal(t, 22*ms, Slot(ms))
	require.Equal(t, 500*ms, Slot(time.Second))
	require.Equal(t, 100*ms, Grace(ms, 0))
	require.Equal(t, 400*ms, Grace(ms, 2))
	require.Equal(t, 6400*ms, Grace(ms, 60))
	require.Equal(t, 104*ms, ForceAfter(ms))
	require.Equal(t, 500*ms, ForceAfter(time.Second))

	short := Timing{ElectionTimeout: 10 * time.Second, FailoverTimeout: time.Second}
	require.Equal(t, 250*ms, short.Lease(0))
	require.Equal(t, 500*ms, short.Lock(true, 0))
}

// Rule: E-37.
func TestBackOff(t *testing.T) {
	tm := Timing{ElectionTimeout: 10 * time.Second, FailoverTimeout: 180 * time.Second}
	most := func(d time.Duration) time.Duration { return d }
	slot := 20 * time.Millisecond
	require.Equal(t, slot/2, tm.BackOff(1, slot, false, most))
	require.Equal(t, slot/2+slot, tm.BackOff(2, slot, false, most))
	require.Equal(t, slot/2+2*slot, tm.BackOff(3, slot, false, most))
	require.Equal(t, slot/2+time.Second, tm.BackOff(40, slot, false, most))
	require.Equal(t, slot/2+tm.Lease(0)/2, tm.BackOff(1, slot, true, most))
}

// Rule: E-30, E-32.
func TestHear(t *testing.T) {
	for _, tc := range []struct {
		name   string
		leader RunID
		epoch  Epoch
		want   VoteReply
	}{
		{"our vote in our epoch", "me", 7, VoteGranted},
		{"our vote in an older epoch counts for nothing", "me", 6, VoteWithheld},
		{"another in our epoch", "you", 7, VoteForOther},
		{"another in a later epoch", "you", 9, VoteForOther},
		{"bound to a live attempt", "you", 6, VoteWithheld},
		{"an epoch that has its configuration", "you", 4, VoteRefused},
		{"a restarted voter", "", 7, VoteRefused},
		{"a stranger to the master", "", 0, VoteRefused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, JudgeReply("me", 7, 4, tc.leader, tc.epoch))
		})
	}
}

// Rule: E-31, E-33.
func TestCount(t *testing.T) {
	silent := Voter{Reply: NoReply, Connected: true}
	late := Voter{Reply: NoReply, Connected: true, Silence: time.Second}
	cut := Voter{Reply: NoReply}
	mine, gone := Voter{Reply: VoteGranted, Connected: true}, Voter{Reply: VoteForOther, Connected: true}
	refused, held := Voter{Reply: VoteRefused, Connected: true}, Voter{Reply: VoteWithheld, Connected: true}
	heldLong := Voter{Reply: VoteWithheld, Connected: true, WithheldFor: WithheldMax + 1}
	for _, tc := range []struct {
		name    string
		need    int
		settled bool
		voters  []Voter
		want    Outcome
	}{
		{"alone", 1, true, nil, Won},
		{"alone, own vote not on disk", 1, false, nil, Open},
		{"majority", 2, true, []Voter{mine, silent}, Won},
		{"peers suffice, but the own write does not return", 2, false, []Voter{mine, mine}, Open},
		{"a vote is worth the same from an unreachable voter", 2, true, []Voter{{Reply: VoteGranted}, cut}, Won},
		{"tie", 3, true, []Voter{mine, gone, gone}, Lost},
		{"one gone, one silent", 2, true, []Voter{gone, silent}, Open},
		{"one gone, one silent for grace", 2, true, []Voter{gone, late}, Lost},
		{"one gone, one cut off", 2, true, []Voter{gone, cut}, Lost},
		{"only silence is no loss", 2, true, []Voter{late, late}, Open},
		{"only cut links are no loss", 2, true, []Voter{cut, cut}, Open},
		{"refused by both", 2, true, []Voter{refused, refused}, Lost},
		{"held may come free", 2, true, []Voter{gone, held}, Open},
		{"held for too long", 2, true, []Voter{heldLong, gone}, Lost},
		{"held for too long, all of them", 2, true, []Voter{heldLong, heldLong}, Lost},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, Count(tc.need, tc.settled, tc.voters, 100*time.Millisecond))
		})
	}
}

// A slow and obvious second reading of E-31 and E-33.
func slowCount(need int, settled bool, voters []Voter, grace time.Duration) Outcome {
	votes, possible, contended := 1, 1, false
	for _, v := range voters {
		if v.Reply == VoteGranted {
			votes++
			possible++
		}
		if v.Reply == VoteForOther || v.Reply == VoteRefused {
			contended = true
		}
		if v.Reply == VoteWithheld {
			if v.WithheldFor > WithheldMax {
				contended = true
			} else {
				possible++
			}
		}
	}
	for _, v := range voters {
		if v.Reply == NoReply && v.Connected && !(contended && v.Silence > grace) {
			possible++
		}
	}
	if votes >= need && settled {
		return Won
	}
	if votes < need && contended && possible < need {
		return Lost
	}
	return Open
}

// Rule: E-31, E-33.
func TestCountAgreesWithTheSlowReading(t *testing.T) {
	r := rng.New(11)
	for range 20000 {
		voters := make([]Voter, r.IntN(6))
		for i := range voters {
			voters[i] = Voter{Reply: VoteReply(r.IntN(5)), Connected: r.IntN(2) == 0,
				Silence: r.Duration(200 * time.Millisecond), WithheldFor: r.Duration(2 * WithheldMax)}
		}
		need, settled := 1+r.IntN(5), r.IntN(2) == 0
		require.Equal(t, slowCount(need, settled, voters, 100*time.Millisecond),
			Count(need, settled, voters, 100*time.Millisecond), "%d %v %v", need, settled, voters)
	}
}

// Attempts that follow each other at once, whatever the options are: the first
// four are free, then the gap doubles up to ten seconds; a calm attempt in
// between makes the next ones free again.
//
// Rule: E-16.
func TestLeastGap(t *testing.T) {
	at, hurried, tried := time.Duration(0), 0, 0
	for at < time.Minute {
		gap := max(time.Millisecond, LeastGap(hurried))
		at += gap
		tried++
		require.True(t, Hurried(gap, hurried))
		hurried++
	}
	require.Less(t, tried, 20)
	require.Zero(t, LeastGap(2))
	require.Equal(t, 20*time.Millisecond, LeastGap(3))
	require.Equal(t, 10240*time.Millisecond, LeastGap(1000))
	require.False(t, Hurried(time.Second, 3))
	require.Equal(t, 200*time.Millisecond, Timing{ElectionTimeout: 10 * time.Second, FailoverTimeout: time.Millisecond}.Election())
}
