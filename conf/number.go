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

// intOr is intIn for a value about which the original has a message of its own:
// that it is too small. It is given where the original gives it, or would read
// another number; not for what is no number and begins with one that is fine.
//
// Rule: R-3.
func intOr(s string, lo, hi int64, message string) (int64, string) {
	n, bad := intIn(s, lo, hi)
	if bad == msgInt && atoi(s) >= lo {
		return 0, msgInt
	}
	if bad != "" {
		return 0, message
	}
	return n, ""
}

// atoi reads the number at the head of s as atoi(3) does, but for one that is
// out of range.
//
// Rule: C-55.
func atoi(s string) int64 {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && (s[0] == '-' || s[0] == '+')) {
		end++
	}
	n, _ := strconv.ParseInt(s[:end], 10, 64)
	return n
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
