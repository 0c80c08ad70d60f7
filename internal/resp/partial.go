package resp

import "bytes"

// Partial follows a reply that arrives in pieces, so that a reply of many values
// that trickles in byte by byte is not decoded again for each. It looks at every
// byte once and keeps only numbers. The zero Partial is at the beginning of a
// reply; it is not safe for concurrent use.
type Partial struct {
	pos   int // where the next value begins
	from  int // no line ends between pos and here
	left  int // values that are missing still, of all collections together
	elems int // that collections have announced
}

// Want is the least length that buf, the reply as far as it is there, must have
// for another try to decode it. It never waits for more than the whole reply; a
// length that buf has already means: try, it is whole or the decoder refuses it.
// Between calls buf may only grow. A zero field of lim is as for Decode.
func (p *Partial) Want(buf []byte, lim Limits) int {
	lim = lim.filled()
	if p.pos == 0 {
		p.left = 1 // the reply itself
	}
	for p.left > 0 {
		// The decoder is to refuse it: whoever waited for more would wait for ever.
		if p.pos < len(buf) && !isKind(buf[p.pos]) {
			return len(buf)
		}
		from := max(p.from, p.pos)
		end := bytes.IndexByte(buf[from:], '\n')
		if end < 0 {
			p.from = len(buf)
			// Too long by now, and no line end mends that.
			if len(buf)-p.pos >= maxLine || len(buf) >= lim.Total {
				return len(buf)
			}
			return len(buf) + 1
		}
		end += from
		if end < p.pos+2 {
			return len(buf)
		}
		next, more, ok := p.header(buf[p.pos], buf[p.pos+1:end-1], end+1, lim)
		if !ok {
			return len(buf)
		}
		if next > len(buf) {
			return next
		}
		p.pos, p.left = next, p.left-1+more
	}
	return p.pos
}

// header reads the line of a value, behind which at is. It gives where the next
// value begins, and how many the line announces. What the decoder will refuse is
// not ok.
func (p *Partial) header(kind byte, line []byte, at int, lim Limits) (next, more int, ok bool) {
	switch kind {
	case '$', '!', '=':
		n, ok := ParseInt(line)
		if !ok || n < -1 || n > int64(lim.Bulk) || at+int(n)+2 > lim.Total {
			return 0, 0, false
		}
		if n == -1 {
			return at, 0, true
		}
		return at + int(n) + 2, 0, true
	case '*', '~', '>', '%', '|':
		n, ok := ParseInt(line)
		if !ok || n < -1 || n > int64(lim.Elems) {
			return 0, 0, false
		}
		more = max(int(n), 0)
		if kind == '%' || kind == '|' {
			more *= 2
		}
		if p.elems += more; p.elems > lim.Elems {
			return 0, 0, false
		}
		if kind == '|' {
			more++ // the value that the attribute talks about
		}
	}
	return at, more, true
}
