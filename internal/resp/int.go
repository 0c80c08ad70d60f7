package resp

import "math"

// ParseInt reads s as the protocol's int64: `0`, or an optional `-` before
// `[1-9][0-9]*`, within the signed 64-bit range. No `+`, leading zero, blank,
// fraction or empty text; ok is false for all of these.
//
// Rule: K-0, the int64 argument syntax.
func ParseInt[T string | []byte](s T) (n int64, ok bool) {
	if len(s) == 1 && s[0] == '0' {
		return 0, true
	}
	i, negative := 0, false
	if len(s) > 0 && s[0] == '-' {
		i, negative = 1, true
	}
	if len(s)-i < 1 || len(s)-i > 19 || s[i] < '1' || s[i] > '9' {
		return 0, false
	}
	var u uint64
	for ; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		u = u*10 + uint64(d)
	}
	switch {
	case !negative && u <= math.MaxInt64:
		return int64(u), true
	case negative && u <= math.MaxInt64+1:
		return -int64(u), true
	}
	return 0, false
}
