// Package quorum holds the rules by which Sentinels agree: epochs and ballots,
// who is locked to whom and for how long, when a master is objectively down,
// and when an election is won or lost. Pure: every method takes the time.
package quorum
