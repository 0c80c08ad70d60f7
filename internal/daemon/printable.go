package daemon

import (
	"strings"
	"unicode/utf8"
)

// printable shows a message as one line that no terminal takes for orders,
// whoever chose a part of it (an instance, a client, a peer): a line feed is a
// blank, any other control byte but a tab, and a control character of UTF-8, as `\x1b`.
//
// Departs: the original prints them as they are.
//
// Rule: C-113.
func printable(msg string) string {
	at := 0
	for at < len(msg) && ' ' <= msg[at] && msg[at] < 0x7f {
		at++
	}
	if at == len(msg) {
		return msg // nearly all
	}
	const hex = "0123456789abcdef"
	var out strings.Builder
	out.WriteString(msg[:at])
	for at < len(msg) {
		r, n := utf8.DecodeRuneInString(msg[at:])
		if r == utf8.RuneError && n == 1 {
			r = rune(msg[at]) // of an older character set: 0x80 to 0x9f are control bytes there
		}
		for _, b := range []byte(msg[at : at+n]) {
			switch {
			case r == '\n':
				out.WriteByte(' ')
			case r < ' ' && r != '\t' || 0x7f <= r && r < 0xa0:
				out.WriteString(`\x` + string([]byte{hex[b>>4], hex[b&15]}))
			default:
				out.WriteByte(b)
			}
		}
		at += n
	}
	return out.String()
}
