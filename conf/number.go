package conf

import (
	"math"
	"strconv"
	"strings"
)

const maxPort = 65535

// wellFormed tells whether s is digits with an optional sign.
//
// Rule: R-3.
func wellFormed(s string) bool {
	digits := s
	if s != "" && (s[0] == '-' || s[0] == '+') {
		digits = s[1:]
	}
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

// intIn reads a number of a `sentinel` line; the message says whether it is no
// number at all, or outside the bounds.
//
// Rule: C-55, R-3.
func intIn(s string, lo, hi int64) (int64, string) {
	if !wellFormed(s) {
		return 0, msgInt
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < lo || n > hi {
		return 0, rangeMessage(lo, uint64(hi))
	}
	return n, ""
}

// parseEpoch reads an epoch: 0 to 2^64-1.
func parseEpoch(s string) (uint64, string) {
	if !wellFormed(s) {
		return 0, msgInt
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "+"), 10, 64)
	if err != nil {
		return 0, rangeMessage(0, math.MaxUint64)
	}
	return n, ""
}
