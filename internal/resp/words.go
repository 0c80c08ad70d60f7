package resp

// split cuts line into words, unescaped, and leaves them in f.words and
// f.marks. It is false when a quote is not closed, or closed within a word.
//
// Rule: C-11 to C-17.
func (f *Framer) split(line []byte) bool {
	f.words, f.marks = f.words[:0], f.marks[:0]
	if cap(f.words) > MaxInline {
		f.words = nil
	}
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return true
		}
		start := len(f.words)
		var ok bool
		if i, ok = f.word(line, i); !ok {
			return false
		}
		f.marks = append(f.marks, start, len(f.words))
	}
}

// word appends the word at i to f.words and returns where it ends.
func (f *Framer) word(line []byte, i int) (end int, ok bool) {
	for ; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t', '\r', '\n':
			return i, true
		case '"', '\'':
			if i, ok = f.quoted(line, i+1, c); !ok {
				return i, false
			}
			return i, i == len(line) || isSpace(line[i])
		default:
			f.words = append(f.words, c)
		}
	}
	return i, true
}

// quoted appends what stands before the closing quote and returns the place
// after it.
func (f *Framer) quoted(line []byte, i int, quote byte) (end int, ok bool) {
	for i < len(line) {
		c := line[i]
		switch {
		case c == quote:
			return i + 1, true
		case c == '\\' && quote == '\'' && i+1 < len(line) && line[i+1] == '\'':
			c, i = '\'', i+1
		case c == '\\' && quote == '"' && i+1 < len(line):
			var n int
			c, n = unescape(line[i+1:])
			i += n
		}
		f.words = append(f.words, c)
		i++
	}
	return i, false
}

// unescape reads what stands after a backslash, and says how many bytes that
// took.
func unescape(s []byte) (c byte, n int) {
	switch s[0] {
	case 'x':
		if len(s) >= 3 {
			hi, ok1 := hexDigit(s[1])
			lo, ok2 := hexDigit(s[2])
			if ok1 && ok2 {
				return hi<<4 | lo, 3
			}
		}
	case 'n':
		return '\n', 1
	case 'r':
		return '\r', 1
	case 't':
		return '\t', 1
	case 'b':
		return '\b', 1
	case 'a':
		return '\a', 1
	}
	return s[0], 1
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func isSpace(c byte) bool { return c == ' ' || ('\t' <= c && c <= '\r') }
