package quorum

// Epoch counts elections. The zero Epoch is before the first; an epoch never
// falls.
type Epoch uint64

// MaxJump is how far ahead of our own an epoch heard from outside may be; one
// beyond it is refused, since it would wear the counter out.
//
// Rule: R-19.
const MaxJump Epoch = 1 << 32

// MaxEpoch is the last epoch in which anybody can be voted for: requests and
// answers carry epochs as signed integers of 64 bits.
//
// Rule: E-15, R-19.
const MaxEpoch Epoch = 1<<63 - 1

// Wire is an epoch as requests and answers can carry it.
func (e Epoch) Wire() int64 { return int64(min(e, MaxEpoch)) }

// Absurd reports whether heard is too far ahead of current to be believed.
func Absurd(current, heard Epoch) bool {
	return heard > current && heard-current > MaxJump
}

// RunID is the identity of a Sentinel, 40 bytes, by default lower-case
// hexadecimal digits; "" stands for an unknown one.
type RunID string

// Majority is the smallest number of voters that two disjoint sets of them
// cannot both have.
//
// Rule: B-620.
func Majority(voters int) int { return voters/2 + 1 }

// Need is the number of votes that make a leader.
//
// Rule: B-620, S-4.
func Need(voters, quorum int) int { return max(Majority(voters), quorum) }

// Agreed reports whether enough Sentinels see the master down: ourselves and
// the peers that say so.
//
// Rule: B-323.
func Agreed(self bool, peers, quorum int) bool { return self && 1+peers >= quorum }
