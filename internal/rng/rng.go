package rng

import (
	"math/bits"
	"time"
)

// Rand is a generator (xoshiro256**, seeded through splitmix64). Make it with
// New: the zero Rand gives only zeros. One caller at a time.
type Rand struct{ s [4]uint64 }

// New returns a generator for seed; every seed, 0 included, is good.
func New(seed uint64) *Rand {
	r := &Rand{}
	for i := range r.s {
		seed += 0x9e3779b97f4a7c15
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		r.s[i] = z ^ z>>31
	}
	return r
}

// Uint64 returns 64 random bits.
func (r *Rand) Uint64() uint64 {
	out := bits.RotateLeft64(r.s[1]*5, 7) * 9
	t := r.s[1] << 17
	r.s[2] ^= r.s[0]
	r.s[3] ^= r.s[1]
	r.s[1] ^= r.s[2]
	r.s[0] ^= r.s[3]
	r.s[2] ^= t
	r.s[3] = bits.RotateLeft64(r.s[3], 45)
	return out
}

// IntN returns a number in [0, n). For n below 1 it returns 0.
func (r *Rand) IntN(n int) int {
	if n < 1 {
		return 0
	}
	return int(r.below(uint64(n)))
}

// Duration returns a duration in [0, d). For d of 0 or less it returns 0.
func (r *Rand) Duration(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(r.below(uint64(d)))
}

// Chance returns true with probability p: never for p <= 0, always for p >= 1.
// It always uses up exactly one Uint64.
func (r *Rand) Chance(p float64) bool {
	return float64(r.Uint64()>>11)/(1<<53) < p
}

// below returns a number in [0, n), each with the same probability.
func (r *Rand) below(n uint64) uint64 {
	// The high word of a product is uniform, but for the low words below
	// 2^64 mod n, which are drawn again.
	hi, lo := bits.Mul64(r.Uint64(), n)
	if lo < n {
		for least := -n % n; lo < least; {
			hi, lo = bits.Mul64(r.Uint64(), n)
		}
	}
	return hi
}
