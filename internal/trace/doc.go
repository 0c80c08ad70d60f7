// Package trace records what a core is given and what it makes of it, and
// replays that in a fresh core.
//
// A trace file is a mark, a header and blocks of records, each framed with its
// length and checksum; what they hold is msgpack of integers, strings and bytes.
// Texts that repeat are written once (texts.go). The header holds the state
// from which the records go on: the boot state and the seed, or, after a
// rotation, all of the core as it was then (state.go). Secrets are replaced by
// masks, in the state, the inputs and the effects, so that a replay agrees
// although it never sees one.
package trace
