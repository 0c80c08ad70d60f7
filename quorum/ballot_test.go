package quorum

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/rng"
)

var testTiming = Timing{ElectionTimeout: 10 * time.Second, FailoverTimeout: 180 * time.Second}

func stand(config Epoch) Standing {
	return Standing{Self: "me", Config: config, Timing: testTiming,
		Lock: testTiming.Lock(false, time.Millisecond), VotedKnown: true}
}

func ours(e Epoch, c RunID) Ask     { return Ask{Epoch: e, Candidate: c, Known: true} }
func original(e Epoch, c RunID) Ask { return Ask{Epoch: e, Candidate: c, Known: true, Original: true} }

// The table of K-2.3: one vote per epoch, an older epoch gets the vote that
// stands, strangers bind nobody. Rule: B-612, E-20, E-22.
func TestOneVotePerEpoch(t *testing.T) {
	var b Ballot
	s := stand(0)
	s.VotedKnown = false
	stranger := func(e Epoch, c RunID) Ask { return Ask{Epoch: e, Candidate: c, Original: true} }
	require.Equal(t, Cast, b.Answer(0, stranger(1, "abc"), s))
	require.Equal(t, Refused, b.Answer(0, stranger(1, "def"), s))
	require.Equal(t, Refused, b.Answer(0, stranger(0, "def"), s))
	require.Equal(t, Renewed, b.Answer(0, stranger(1, "abc"), s))
	require.Equal(t, Cast, b.Answer(0, stranger(5, "def"), s))
	require.Equal(t, Refused, b.Answer(0, stranger(3, "ghi"), s))
	require.Equal(t, Epoch(5), b.Epoch)
	require.Equal(t, RunID("def"), b.Vote)
	b.Forget()
	require.Equal(t, Refused, b.Answer(0, stranger(5, "def"), s), "the name is forgotten, the epoch is not")
	require.Equal(t, RunID(""), b.Vote)
	require.Equal(t, Cast, b.Answer(0, stranger(6, "def"), s))
}

// Rule: E-11, E-22, R-16, W-10: a vote locks for a short, renewed time.
func TestBound(t *testing.T) {
	var b Ballot
	s := stand(0)
	ms := time.Millisecond
	require.Equal(t, Cast, b.Answer(0, ours(1, "a"), s))
	b.Written(0, 1)
	require.Equal(t, Refused, b.Answer(400*ms, ours(2, "b"), s))
	require.Equal(t, Renewed, b.Answer(450*ms, ours(1, "a"), s))
	require.Equal(t, Refused, b.Answer(900*ms, ours(2, "b"), s))
	require.Equal(t, Cast, b.Answer(450*ms+s.Lock, ours(2, "b"), s))
}

// Rule: E-11, L-6: the lock begins when the vote is on disk, but for its limit.
func TestBindOfAVoteBeingWritten(t *testing.T) {
	var b Ballot
	s := stand(0)
	require.Equal(t, Cast, b.Answer(0, ours(1, "a"), s))
	require.Equal(t, Refused, b.Answer(3*time.Second, ours(2, "b"), s))
	b.Written(3*time.Second, 1)
	require.Equal(t, Refused, b.Answer(3*time.Second+s.Lock-1, ours(2, "b"), s))
	require.Equal(t, Cast, b.Answer(3*time.Second+s.Lock, ours(2, "b"), s))
	b.Written(9*time.Second, 1)
	require.Equal(t, Cast, b.Answer(3*time.Second+s.Lock+s.Timing.Limit(), ours(3, "c"), s), "the write of an older vote")
}

// Rule: E-11: never beyond half of et, however often renewed.
func TestBindHasALimit(t *testing.T) {
	var b Ballot
	s := stand(0)
	b.Answer(0, ours(1, "a"), s)
	for at := time.Duration(0); at < testTiming.Limit(); at += 100 * time.Millisecond {
		b.Answer(at, ours(1, "a"), s)
		require.Equal(t, Refused, b.Answer(at, ours(2, "b"), s))
	}
	require.Equal(t, Cast, b.Answer(testTiming.Limit(), ours(2, "b"), s))
}

// Rule: E-11, E-23, S-9, B-701: an original asks on in newer epochs that others
// began, and binds for no longer by that, unless it may be a new attempt.
func TestAnOriginalsAttemptBindsOnce(t *testing.T) {
	for _, tc := range []struct {
		name string
		ask  func(Epoch, RunID) Ask
		next time.Duration // when it asks in epoch 2
		want Verdict       // for another in epoch 3, a millisecond after the limit of the first
	}{
		{"an original", original, testTiming.Limit() - time.Second, Cast},
		{"one of ours begins anew", ours, testTiming.Limit() - time.Second, Refused},
	} {
		var b Ballot
		s := stand(0)
		s.Lock = testTiming.Lock(true, 0)
		require.Equal(t, Cast, b.Answer(0, tc.ask(1, "a"), s), tc.name)
		b.Written(0, 1)
		require.Equal(t, Cast, b.Answer(tc.next, tc.ask(2, "a"), s), tc.name)
		b.Written(tc.next, 2)
		require.Equal(t, Refused, b.Answer(testTiming.Limit()-1, ours(3, "b"), s), tc.name)
		require.Equal(t, tc.want, b.Answer(testTiming.Limit()+time.Millisecond, ours(3, "b"), s), tc.name)
	}
	var b Ballot
	s := stand(0)
	s.Lock = testTiming.Lock(true, 0)
	gap := 2 * testTiming.FailoverTimeout
	require.Equal(t, Cast, b.Answer(0, original(1, "a"), s))
	require.Equal(t, Cast, b.Answer(gap, original(2, "a"), s))
	b.Written(gap, 2)
	require.Equal(t, Refused, b.Answer(gap+time.Second, ours(3, "b"), s), "a new attempt binds anew")
}

// Rule: E-11, E-22, R-16: a dead leader and a stranger lock nobody.
func TestTheDeadBindNobody(t *testing.T) {
	var b Ballot
	b.Answer(0, ours(1, "a"), stand(0))
	dead := stand(0)
	dead.VotedDead = true
	require.Equal(t, Cast, b.Answer(1, ours(2, "b"), dead))
}

// Rule: E-23.
func TestTheSameCandidateGetsItsNewerEpoch(t *testing.T) {
	var b Ballot
	b.Answer(0, ours(1, "a"), stand(0))
	require.Equal(t, Cast, b.Answer(1, ours(2, "a"), stand(0)))
}

// Rule: E-22, E-26: our own undecided candidacy is not exchanged.
func TestOwnVoteBinds(t *testing.T) {
	var b Ballot
	b.CastSelf(0, 3, "me")
	s := stand(0)
	s.SelfLocked = true
	require.Equal(t, Refused, b.Answer(0, ours(4, "a"), s))
	s.SelfLocked = false
	require.Equal(t, Cast, b.Answer(0, ours(4, "a"), s))
}

// Rule: E-20 step 4.
func TestStaleEpoch(t *testing.T) {
	b := Ballot{Epoch: 2, Vote: "a"}
	require.Equal(t, Stale, b.Answer(0, ours(4, "b"), stand(4)))
	require.Equal(t, Cast, b.Answer(0, ours(5, "b"), stand(4)))
}

// Rule: E-24, E-44: a start with an unfinished vote keeps out for 2 s.
func TestRestartKeepsOut(t *testing.T) {
	at := 10 * time.Second
	b := Restore(at, 7, true)
	require.Equal(t, Refused, b.Answer(at, ours(7, "a"), stand(6)), "the same epoch answers *")
	require.Equal(t, Refused, b.Answer(at+BootLock-1, ours(8, "a"), stand(6)))
	require.Equal(t, Cast, b.Answer(at+BootLock, ours(8, "a"), stand(6)))
	b = Restore(at, 6, false)
	require.Equal(t, Cast, b.Answer(at, ours(8, "a"), stand(6)))
}

// Rule: E-25, S-9.
func TestOriginalsAreGuardedAgainst(t *testing.T) {
	guard := testTiming.Guard()
	var b Ballot
	b.Answer(0, ours(1, "a"), stand(0))
	require.Equal(t, Refused, b.Answer(guard-1, original(2, "c"), stand(0)))
	require.Equal(t, Cast, b.Answer(guard, original(2, "c"), stand(0)))

	b = Ballot{}
	b.Answer(0, ours(2, "a"), stand(0))
	require.Equal(t, Refused, b.Answer(5*time.Second, original(1, "c"), stand(0)), "it asks in an epoch of our vote for another")
	require.Equal(t, Refused, b.Answer(guard, original(3, "c"), stand(0)))
	require.Equal(t, Cast, b.Answer(5*time.Second+guard, original(3, "c"), stand(0)))

	b = Ballot{}
	b.Answer(0, ours(2, "a"), stand(0))
	b.Answer(5*time.Second, original(1, "c"), stand(0))
	b.ForgetAsk("c")
	require.Empty(t, b.originalAskedAt)
	require.Equal(t, Cast, b.Answer(guard, original(3, "c"), stand(0)), "who has been forgotten asks for the first time")

	b = Restore(time.Second, 2, true)
	require.Equal(t, Refused, b.Answer(time.Second+guard-1, original(3, "c"), stand(0)))
	b = Ballot{}
	b.Answer(0, ours(2, "a"), stand(0))
	require.Equal(t, Cast, b.Answer(1, original(3, "c"), stand(2)), "a finished vote guards nothing")
}

// Whatever is asked, in whatever order: an epoch once voted in keeps its vote,
// and epochs never fall. Rule: S-2, S-5, E-20.
func TestVotesStand(t *testing.T) {
	r := rng.New(3)
	for range 300 {
		var b Ballot
		votes := map[Epoch]RunID{}
		now, config := time.Duration(0), Epoch(0)
		for range 200 {
			now += r.Duration(3 * time.Second)
			before := b.Epoch
			s := stand(config)
			s.VotedDead, s.SelfLocked = r.IntN(8) == 0, r.IntN(2) == 0
			ask := Ask{Epoch: Epoch(r.IntN(12)), Candidate: RunID(rune('a' + r.IntN(4))), Known: r.IntN(4) > 0, Original: r.IntN(2) == 0}
			switch r.IntN(12) {
			case 0:
				b.CastSelf(now, b.Epoch+1, "me")
			case 1:
				b.Forget()
			case 2:
				b = Restore(now, b.Epoch, b.Unfinished(config))
			case 3:
				config = max(config, Epoch(r.IntN(int(b.Epoch)+1)))
			default:
				b.Answer(now, ask, s)
			}
			require.GreaterOrEqual(t, b.Epoch, before)
			if b.Vote != "" {
				if old, ok := votes[b.Epoch]; ok {
					require.Equal(t, old, b.Vote, "two votes in epoch %d", b.Epoch)
				}
				votes[b.Epoch] = b.Vote
			}
		}
	}
}

// A vote of which nobody can have heard is taken back; its epoch is used up, and
// it binds nobody. Rule: E-45.
func TestWithdraw(t *testing.T) {
	var b Ballot
	s := stand(0)
	require.False(t, b.Withdraw(), "there is none")
	require.Equal(t, Cast, b.Answer(0, ours(1, "a"), s))
	require.True(t, b.Writing())
	require.True(t, b.Withdraw())
	require.Equal(t, RunID(""), b.Vote)
	require.Equal(t, Refused, b.Answer(0, ours(1, "a"), s))
	require.Equal(t, Cast, b.Answer(0, ours(2, "b"), s))
	b.Written(0, 2)
	require.False(t, b.Writing())
	require.False(t, b.Withdraw(), "it may be known")
	require.Equal(t, RunID("b"), b.Vote)
}
