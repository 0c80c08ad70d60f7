package command

// Matcher is a pattern of Glob, made ready: matching a short text costs little,
// however long the pattern is. It is immutable.
//
// Rule: K-5.
type Matcher struct {
	parts []part // no two `*` in a row
	least int    // bytes of the shortest text that may match
	never bool   // that is more than any text has
}

// part is one element of a pattern.
type part struct {
	star bool
	any  bool
	set  *[4]uint64 // a class; nil of others
	b    byte       // what must stand there, if it is none of these
}

// Compile makes a pattern ready for texts of at most so many bytes: it matches no
// longer one. The time is in proportion to the pattern's length, the memory to
// that of a text.
func Compile(pattern string, most int) *Matcher {
	p := &Matcher{}
	for at := 0; at < len(pattern); {
		one := part{b: pattern[at]}
		switch {
		case pattern[at] == '*':
			at++
			if n := len(p.parts); n == 0 || !p.parts[n-1].star {
				p.parts = append(p.parts, part{star: true})
			}
			continue
		case pattern[at] == '?':
			one.any = true
		case pattern[at] == '[':
			one.set, at = class(pattern, at+1)
			at-- // the step below
		case pattern[at] == '\\' && at+1 < len(pattern):
			at++
			one.b = pattern[at]
		}
		at++
		p.parts = append(p.parts, one)
		if p.least++; p.least > most {
			return &Matcher{never: true}
		}
	}
	return p
}

// class gives the bytes of the class whose first byte is at p, and where it ends:
// matchClass for all bytes at once.
func class(pattern string, p int) (set *[4]uint64, next int) {
	set = new([4]uint64)
	not := p < len(pattern) && pattern[p] == '^'
	if not {
		p++
	}
	for ; p < len(pattern) && pattern[p] != ']'; p++ {
		lo, hi := pattern[p], pattern[p]
		switch {
		case pattern[p] == '\\' && p+1 < len(pattern):
			p++
			lo, hi = pattern[p], pattern[p]
		case p+2 < len(pattern) && pattern[p+1] == '-':
			lo, hi = min(lo, pattern[p+2]), max(lo, pattern[p+2])
			p += 2
		}
		for b := int(lo); b <= int(hi); b++ {
			set[b/64] |= 1 << (b % 64)
		}
	}
	if not {
		for i := range set {
			set[i] = ^set[i]
		}
	}
	return set, min(p+1, len(pattern))
}

// Match is Glob of the pattern and text, without folding.
func (p *Matcher) Match(text string) bool {
	switch {
	case p.never || len(text) < p.least:
		return false
	case len(text) == 0:
		return len(p.parts) == 0
	}
	at, t := 0, 0
	star, mark := -1, 0
	for t < len(text) {
		switch {
		case at < len(p.parts) && p.parts[at].star:
			at++
			star, mark = at, t
		case at < len(p.parts) && p.parts[at].is(text[t]):
			at++
			t++
		case star < 0:
			return false
		default:
			mark++
			at, t = star, mark
		}
	}
	for at < len(p.parts) && p.parts[at].star {
		at++
	}
	return at == len(p.parts)
}

func (e *part) is(b byte) bool {
	switch {
	case e.any:
		return true
	case e.set != nil:
		return e.set[b/64]>>(b%64)&1 != 0
	}
	return e.b == b
}
