// Package trace records what a core is given and what it makes of it, and
// replays that in a fresh core.
//
// A trace file is a mark, a header and records, each framed with its length
// and checksum; what they hold is msgpack of integers, strings and bytes. The
// header holds the state from which the records go on: the boot state and the
// seed, or, after a rotation, all of the core as it was then (state.go).
// Secrets are replaced by masks, in the state, in the inputs and, before their
// digest is taken, in the effects, so that a replay agrees although it never
// sees one.
package trace
