package quorum

import "time"

// Ballot is our vote for one master: in which epoch it was cast and for whom.
// The epoch is durable; the name is not, so after a restart it is unknown.
// The zero Ballot has never voted.
type Ballot struct {
	Epoch Epoch // leader_epoch; never falls
	Vote  RunID // "" = unknown or none

	castAt          time.Duration // when the vote was cast
	since           time.Duration // when the attempt that it is for first had a vote of ours
	heardAt         time.Duration // when its candidate last asked in that epoch
	writing         bool          // its write is under way: Written has not been called
	originalAskedAt map[RunID]time.Duration
	bootLockEnd     time.Duration // E-24; 0 = no such lock
	started         time.Duration // when this process began
}

// Restore makes the ballot of a Sentinel that starts at now with what its file
// says. unfinished tells that the epoch has no configuration yet.
//
// Rule: E-24, E-44.
func Restore(now time.Duration, epoch Epoch, unfinished bool) Ballot {
	b := Ballot{Epoch: epoch, started: now, castAt: now, since: now, heardAt: now}
	if unfinished {
		b.bootLockEnd = now + BootLock
	}
	return b
}

// Ask is a request for our vote.
type Ask struct {
	Epoch     Epoch
	Candidate RunID
	Known     bool // the candidate is a known peer of this master
	Original  bool // it is not of our kind
}

// Standing is what the voter knows besides its ballot when it is asked.
type Standing struct {
	Self   RunID
	Config Epoch // config epoch of the master
	Timing Timing
	// SelfLocked says that our own candidacy is undecided, or that we lead with
	// fresh votes and may still promote (E-22).
	SelfLocked bool
	// Lock is the span of Timing.Lock for the Sentinel we voted for.
	Lock time.Duration
	// VotedDead says that the process we voted for is dead (E-11), VotedKnown
	// that it is a peer of this master.
	VotedDead, VotedKnown bool
}

// Verdict is what came of an Ask.
type Verdict uint8

// The zero Verdict refuses.
const (
	Refused Verdict = iota // the vote that stands, if any, is answered
	Stale                  // refused, and the candidate lacks a configuration: tell it ours
	Renewed                // the same vote again
	Cast                   // a new vote, durable before anybody hears of it
)

func (v Verdict) String() string {
	return [...]string{"refused", "stale", "renewed", "cast"}[v]
}

// Unfinished reports whether a vote was given and no configuration of its
// epoch or a later one is known.
func (b *Ballot) Unfinished(config Epoch) bool { return b.Epoch > config }

// Answer decides on ask and records what follows. The epoch of the ask has
// passed R-19 already.
//
// Rule: E-20 steps 2 to 7, E-21, E-23.
func (b *Ballot) Answer(now time.Duration, ask Ask, s Standing) Verdict {
	switch {
	case ask.Epoch == b.Epoch && ask.Candidate == b.Vote:
		b.heardAt = now
		return Renewed
	case ask.Epoch <= b.Epoch:
		if ask.Original && ask.Known && ask.Candidate != b.Vote {
			b.noteOriginalAsk(now, ask.Candidate)
		}
		return Refused
	case ask.Epoch <= s.Config:
		return Stale
	case b.guarded(now, ask, s) || b.locked(now, ask, s):
		return Refused
	}
	same := ask.Original && ask.Candidate == b.Vote && b.Unfinished(s.Config) && now < b.since+s.Timing.AttemptGap()
	b.cast(now, ask.Epoch, ask.Candidate, same)
	return Cast
}

// CastSelf records the vote for ourselves at the start of an own attempt.
//
// Rule: E-15.
func (b *Ballot) CastSelf(now time.Duration, epoch Epoch, self RunID) {
	b.cast(now, epoch, self, false)
}

// LockEnd is when our vote for another ceases to lock us, by time alone.
// Unfinished votes only. The attempt of an original goes on in each newer epoch
// that it hears of, begun by another: it does not lock for longer by that.
//
// Rule: E-11, S-9.
// Departs: ADR 0002.
func (b *Ballot) LockEnd(s Standing) time.Duration {
	if b.Vote == "" {
		return b.bootLockEnd
	}
	if s.VotedDead || !s.VotedKnown {
		return b.castAt
	}
	if b.writing {
		return b.since + s.Timing.Limit()
	}
	return min(b.heardAt+s.Lock, b.since+s.Timing.Limit())
}

// Written says that the vote in this epoch is on disk. Until then its candidate
// has no answer, and what it asks again waits behind that answer, so that the
// lock counts from heard at the earliest.
//
// Rule: E-11, L-6.
func (b *Ballot) Written(heard time.Duration, epoch Epoch) {
	if b.writing && b.Epoch == epoch {
		b.writing, b.heardAt = false, max(b.heardAt, heard)
	}
}

// Writing reports whether the write of the vote that stands is under way.
func (b *Ballot) Writing() bool { return b.writing }

// Withdraw takes back the vote that stands if nobody can have heard of it: its
// write is under way. It tells whether there was one. The epoch stays.
//
// Rule: E-45.
func (b *Ballot) Withdraw() bool {
	if !b.writing {
		return false
	}
	b.Vote, b.writing = "", false
	return true
}

// CastAt is when the vote that stands was cast, or the process began.
func (b *Ballot) CastAt() time.Duration { return b.castAt }

// HeardAt is when the candidate voted for last asked.
func (b *Ballot) HeardAt() time.Duration { return b.heardAt }

// Forget drops the name voted for, as RESET and an address switch do; the
// epoch stays.
//
// Rule: B-104, B-731.
func (b *Ballot) Forget() {
	b.Vote = ""
	b.bootLockEnd = 0
	b.writing = false
	b.originalAskedAt = nil
}

// locked reports whether an earlier vote forbids this one.
//
// Rule: E-22, E-23, E-24.
func (b *Ballot) locked(now time.Duration, ask Ask, s Standing) bool {
	if !b.Unfinished(s.Config) || ask.Candidate == b.Vote {
		return false
	}
	if b.Vote == s.Self {
		return s.SelfLocked
	}
	return now < b.LockEnd(s)
}

// guarded reports whether the attempt of a known original may be of the epoch
// in which we voted for another.
//
// Rule: E-25.
func (b *Ballot) guarded(now time.Duration, ask Ask, s Standing) bool {
	if !ask.Known || !ask.Original || !b.Unfinished(s.Config) || ask.Candidate == b.Vote {
		return false
	}
	since := max(b.castAt, b.started)
	if at, ok := b.originalAskedAt[ask.Candidate]; ok {
		since = max(since, at)
	}
	return now < since+s.Timing.Guard()
}

// cast votes; same says that the attempt is the one that we voted for last.
func (b *Ballot) cast(now time.Duration, epoch Epoch, candidate RunID, same bool) {
	b.Epoch, b.Vote, b.castAt, b.heardAt, b.bootLockEnd, b.writing = epoch, candidate, now, now, 0, true
	if !same {
		b.since = now
	}
}

// ForgetAsk forgets what a candidate that is known no more has asked before. That
// keeps what is remembered as small as the list of those that are known.
//
// Rule: E-25.
func (b *Ballot) ForgetAsk(candidate RunID) { delete(b.originalAskedAt, candidate) }

// noteOriginalAsk remembers known originals only.
func (b *Ballot) noteOriginalAsk(now time.Duration, candidate RunID) {
	if b.originalAskedAt == nil {
		b.originalAskedAt = map[RunID]time.Duration{}
	}
	b.originalAskedAt[candidate] = now
}
