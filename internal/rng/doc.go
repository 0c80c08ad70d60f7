// Package rng is a seeded generator of pseudo-random numbers whose algorithm
// is our own to keep: a seed gives the same numbers in every version of Go, so
// recordings and simulations can be replayed. It is not for secrets.
package rng
