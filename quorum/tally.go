package quorum

import "time"

// VoteReply is what one peer's answer to a vote request means to the candidate.
type VoteReply uint8

// The zero VoteReply is NoReply.
const (
	NoReply      VoteReply = iota // no answer yet
	VoteGranted                   // it voted for the candidate in its epoch
	VoteWithheld                  // locked to another live attempt of an older epoch
	VoteForOther                  // it voted for another in the candidate's epoch or a later one
	VoteRefused                   // it did not vote and will not: its epoch is higher, or it restarted
)

func (v VoteReply) String() string {
	return [...]string{"none", "granted", "withheld", "for another", "refused"}[v]
}

// JudgeReply classifies the answer (leader, epoch) to the candidate self of epoch
// failover; leader is "" for a `*`.
//
// Rule: E-30, E-32.
func JudgeReply(self RunID, failover, config Epoch, leader RunID, epoch Epoch) VoteReply {
	switch {
	case leader == self && epoch == failover:
		return VoteGranted
	case leader == "" || epoch <= config:
		return VoteRefused
	case epoch >= failover:
		return VoteForOther
	default:
		return VoteWithheld
	}
}

// Voter is one peer in an election.
type Voter struct {
	Reply       VoteReply
	Connected   bool
	Silence     time.Duration // how long its first request is unanswered; Silent only
	WithheldFor time.Duration // how long it has answered VoteWithheld
}

// Outcome is how an election stands.
type Outcome uint8

// The zero Outcome is Open.
const (
	Open Outcome = iota
	Won
	Lost
)

func (o Outcome) String() string { return [...]string{"open", "won", "lost"}[o] }

// Count is the state of an election: votes needed, whether our own is on disk,
// and what the others say. grace is Grace.
//
// Rule: E-31, E-33.
func Count(need int, settled bool, voters []Voter, grace time.Duration) Outcome {
	votes, contended := 1, false
	for _, v := range voters {
		if v.Reply == VoteGranted {
			votes++
		}
		contended = contended || v.Reply == VoteForOther || v.Reply == VoteRefused || v.Reply == VoteWithheld && v.WithheldFor > WithheldMax
	}
	// Enough votes, but our own may be lost in a crash until it is on disk.
	if votes >= need {
		if settled {
			return Won
		}
		return Open
	}
	// Silence alone loses nothing: a vote may be waiting for a slow disk.
	if !contended {
		return Open
	}
	possible := votes
	for _, v := range voters {
		switch {
		case v.Reply == VoteWithheld && v.WithheldFor <= WithheldMax:
			possible++
		case v.Reply == NoReply && v.Connected && v.Silence <= grace:
			possible++
		}
	}
	if possible < need {
		return Lost
	}
	return Open
}
