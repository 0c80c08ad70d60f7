package command

// Glob tells whether text matches pattern: `*`, `?`, `[abc]`, `[a-z]`,
// `[^a]`, and `\` before a byte that stands for itself. An empty pattern
// matches the empty text only, and, as in the original, nothing else does, not
// even `*`. fold compares ASCII letters in any case. The time is bounded by the
// product of both lengths.
//
// Rule: K-0.
func Glob[T string | []byte](pattern string, text T, fold bool) bool {
	if len(text) == 0 {
		return pattern == ""
	}
	p, t := 0, 0
	star, mark := -1, 0 // after the last `*`, and where its match may start next
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, mark = p, t
			continue
		}
		if next, ok := matchOne(pattern, p, text[t], fold); ok {
			p = next
			t++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, t = star, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchOne matches b with the element of pattern at p and gives the index
// after that element.
func matchOne(pattern string, p int, b byte, fold bool) (next int, ok bool) {
	if p == len(pattern) {
		return p, false
	}
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		return matchClass(pattern, p+1, b, fold)
	case '\\':
		if p+1 < len(pattern) {
			p++
		}
	}
	return p + 1, same(pattern[p], b, fold)
}

// matchClass matches b with the class whose first byte is at p. A class that
// is never closed ends with the pattern.
func matchClass(pattern string, p int, b byte, fold bool) (next int, ok bool) {
	not := p < len(pattern) && pattern[p] == '^'
	if not {
		p++
	}
	found := false
	for ; p < len(pattern) && pattern[p] != ']'; p++ {
		switch {
		case pattern[p] == '\\' && p+1 < len(pattern):
			p++
			found = found || same(pattern[p], b, fold)
		case p+2 < len(pattern) && pattern[p+1] == '-':
			found = found || within(pattern[p], pattern[p+2], b, fold)
			p += 2
		default:
			found = found || same(pattern[p], b, fold)
		}
	}
	return min(p+1, len(pattern)), found != not
}

func within(lo, hi, b byte, fold bool) bool {
	if lo > hi {
		lo, hi = hi, lo
	}
	if fold {
		lo, hi, b = lowerByte(lo), lowerByte(hi), lowerByte(b)
	}
	return lo <= b && b <= hi
}

func same(a, b byte, fold bool) bool {
	return a == b || fold && lowerByte(a) == lowerByte(b)
}
