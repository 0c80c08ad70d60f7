package quorum

import "time"

// Constants of the election. Section 2 of election.md says why lease, lock, slot
// and grace are what they are; the gaps are those of E-16, which keep a tiny
// failover-timeout from thousands of attempts, the margins those of E-25 and
// E-58, and the bounds of force those of E-63.
const (
	leaseBase      = 500 * time.Millisecond
	lockOriginal   = 2 * time.Second
	slotBase       = 20 * time.Millisecond
	slotMax        = 500 * time.Millisecond
	graceBase      = 100 * time.Millisecond
	backOffMax     = time.Second
	guardMargin    = time.Second
	attemptMargin  = 2 * time.Second
	electionMin    = 200 * time.Millisecond
	gapBase        = 20 * time.Millisecond
	gapDoublings   = 9
	gapFree        = 3
	hurriedWithin  = time.Second
	forceBase      = 100 * time.Millisecond
	forceMax       = 500 * time.Millisecond
	graceDoublings = 6

	// BootLock is how long a Sentinel that started with an unfinished vote
	// keeps out of that master's elections (E-24).
	BootLock = 2 * time.Second
	// WithheldMax is how long a candidate waits for voters that are locked to
	// another attempt (E-33).
	WithheldMax = time.Second
)

// Timing derives the spans of an election from the options of one master; r is
// always a smoothed round trip.
type Timing struct {
	ElectionTimeout, FailoverTimeout time.Duration
}

// Election is how long a candidate may wait for votes when nothing but silence
// answers, called et in election.md. However short the options are, votes must
// have the time to come, and are not asked for without end.
func (t Timing) Election() time.Duration {
	return max(electionMin, min(t.ElectionTimeout, t.FailoverTimeout))
}

// Lease is how old, from the sending of its request, a vote may be for its
// leader to act on it.
//
// Rule: E-34.
func (t Timing) Lease(r time.Duration) time.Duration { return min(leaseBase, t.Election()/4) + r }

// Renew is how often a candidate or leader repeats its vote request.
//
// Rule: E-17.
func (t Timing) Renew() time.Duration { return t.Lease(0) / 4 }

// Lock is how long a vote locks its voter after its candidate was last heard.
// It is longer than Lease, so that a leader stops before its voters are free.
//
// Rule: E-11, E-22.
func (t Timing) Lock(original bool, r time.Duration) time.Duration {
	if original {
		return min(lockOriginal, t.Election()/2)
	}
	return min(leaseBase, t.Election()/4) + 2*r
}

// Limit is how long a lock may last, counted from the vote, however often it
// was renewed.
func (t Timing) Limit() time.Duration { return t.Election() / 2 }

// Guard is how long a vote is withheld from an original after it may have
// asked in the epoch of our vote for another.
//
// Rule: E-25.
func (t Timing) Guard() time.Duration { return t.Election() + guardMargin }

// AttemptPause is how long a Sentinel waits after its own attempt ran and
// failed; the margin lets a waiting original go first.
//
// Rule: E-58.
func (t Timing) AttemptPause() time.Duration { return t.AttemptGap() + attemptMargin }

// AttemptGap is the least time between two attempts of an original, or from a
// vote of its to an attempt.
//
// Rule: B-701.
func (t Timing) AttemptGap() time.Duration { return 2 * t.FailoverTimeout }

// LeastGap is the least time from the start of one own attempt to that of the
// next. hurried is how many in a row were Hurried. What an outage needs, three
// elections lost by collision say, is not held up.
//
// Rule: E-16.
func LeastGap(hurried int) time.Duration {
	if hurried < gapFree {
		return 0
	}
	return gapBase << min(hurried-gapFree, gapDoublings)
}

// Hurried reports whether an attempt comes soon after the one before, gap ago.
//
// Rule: E-16.
func Hurried(gap time.Duration, hurried int) bool {
	return gap < max(hurriedWithin, 2*LeastGap(hurried))
}

// Slot is the time between the starts of two ranks. r is the largest round
// trip to a live peer of our kind.
func Slot(r time.Duration) time.Duration { return min(slotBase+2*r, slotMax) }

// Grace is how long a silent voter still counts as possible in a contended
// epoch, after lost elections in a row.
//
// Rule: E-33.
func Grace(r time.Duration, lost int) time.Duration {
	return max(graceBase, 4*r) << min(lost, graceDoublings)
}

// ForceAfter is how long a manual failover waits for votes.
//
// Rule: E-63.
func ForceAfter(r time.Duration) time.Duration { return min(forceMax, forceBase+4*r) }

// BackOff is the pause after the lost-th election lost in a row; random draws
// evenly from 0 to below its argument, held says that voters were locked.
//
// Rule: E-37.
func (t Timing) BackOff(lost int, slot time.Duration, held bool, random func(time.Duration) time.Duration) time.Duration {
	pause := random(slot / 2)
	if lost >= 2 {
		pause += min(backOffMax, slot<<min(lost-2, 10))
	}
	if held {
		pause += t.Lease(0) / 2
	}
	return pause
}
