package quorum

import "time"

// Voice is what one peer's answer to a vote request means to the candidate.
type Voice uint8

// The zero Voice is Silent.
const (
	Silent  Voice = iota // no answer yet
	Mine                 // it voted for the candidate in its epoch
	Held                 // bound to another live attempt of an older epoch
	Gone                 // it voted for another in the candidate's epoch or a later one
	Refusal              // it did not vote and will not: its epoch is higher, or it restarted
)

func (v Voice) String() string {
	return [...]string{"silent", "mine", "held", "gone", "refused"}[v]
}

// Hear classifies the answer (leader, epoch) to the candidate self of epoch
// failover; leader is "" for a `*`.
//
// Rule: E-30, E-32.
func Hear(self RunID, failover, config Epoch, leader RunID, epoch Epoch) Voice {
	switch {
	case leader == self && epoch == failover:
		return Mine
	case leader == "" || epoch <= config:
		return Refusal
	case epoch >= failover:
		return Gone
	default:
		return Held
	}
}

// Voter is one peer in an election.
type Voter struct {
	Voice     Voice
	Connected bool
	Silence   time.Duration // how long its first request is unanswered; Silent only
	HeldFor   time.Duration // how long it has answered Held
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
		if v.Voice == Mine {
			votes++
		}
		contended = contended || v.Voice == Gone || v.Voice == Refusal || v.Voice == Held && v.HeldFor > HeldMax
	}
	if votes >= need {
		if settled {
			return Won
		}
		return Open
	}
	if !contended {
		return Open
	}
	possible := votes
	for _, v := range voters {
		switch {
		case v.Voice == Held && v.HeldFor <= HeldMax:
			possible++
		case v.Voice == Silent && v.Connected && v.Silence <= grace:
			possible++
		}
	}
	if possible < need {
		return Lost
	}
	return Open
}
