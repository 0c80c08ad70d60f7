package conf

import "strings"

// blanks are stripped from both ends of a line, and end a bare word.
const blanks = " \t\r\n"

// isSpace is white space of the C locale.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// isBlank is the white space that ends a bare word.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// splitWords cuts a line into words, quotes and escapes resolved; false means
// unbalanced quotes. A line of white space alone has no words.
//
// Rule: C-11 to C-17.
func splitWords(line string) ([]string, bool) {
	var words []string
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return words, true
		}
		start := i
		for i < len(line) && !isBlank(line[i]) && line[i] != '"' && line[i] != '\'' {
			i++
		}
		if i == len(line) || isBlank(line[i]) {
			words = append(words, line[start:i])
			continue
		}
		word, n, ok := quotedWord(line[start:i], line[i:])
		if !ok {
			return nil, false
		}
		words = append(words, word)
		i += n
	}
}

// quotedWord reads from the opening quote at rest[0] to the closing one, which
// must end the word. It returns the word with its bare beginning, and the bytes read.
func quotedWord(bare, rest string) (word string, n int, ok bool) {
	var b strings.Builder
	b.WriteString(bare)
	quote := rest[0]
	for i := 1; i < len(rest); i++ {
		c := rest[i]
		switch {
		case c == quote:
			ends := i+1 == len(rest) || isSpace(rest[i+1])
			return b.String(), i + 1, ends
		case c == '\\' && quote == '\'' && strings.HasPrefix(rest[i+1:], "'"):
			b.WriteByte('\'')
			i++
		case c == '\\' && quote == '"' && i+1 < len(rest):
			decoded, used := unescape(rest[i+1:])
			b.WriteByte(decoded)
			i += used
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}

// unescape reads what follows a backslash in double quotes.
//
// Rule: C-14.
func unescape(s string) (c byte, used int) {
	if s[0] == 'x' && len(s) >= 3 {
		hi, ok1 := hexDigit(s[1])
		lo, ok2 := hexDigit(s[2])
		if ok1 && ok2 {
			return hi<<4 | lo, 3
		}
	}
	switch s[0] {
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
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// appendQuoted appends s in the escaped form.
//
// Rule: C-100.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\', '"':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		case '\a':
			b = append(b, `\a`...)
		case '\b':
			b = append(b, `\b`...)
		default:
			if c < 0x20 || c > 0x7e {
				b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}

// quoted is s in the escaped form.
func quoted(s string) string { return string(appendQuoted(nil, s)) }

// appendWord appends s as it is if that reads back as the same word, else in
// the escaped form.
//
// Rule: C-102.
func appendWord(b []byte, s string) []byte {
	if s == "" {
		return append(b, `""`...)
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == 0x7f || c == '"' || c == '\'' {
			return appendQuoted(b, s)
		}
	}
	return append(b, s...)
}
