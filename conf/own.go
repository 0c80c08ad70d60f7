package conf

import "strings"

// ownPrefix begins a line that sets a setting of our own; to the original such
// a line is a comment.
const ownPrefix = "#gosentinel"

// ownSettings are the settings of our own by name; each takes its words and
// returns an error message or "".
//
// Rule: docs/architecture.md, settings of our own.
var ownSettings = map[string]func(s *State, words []string) string{
	"strict-durability": func(s *State, words []string) string {
		if len(words) != 1 {
			return msgArgCount
		}
		on, message := parseBool(words[0])
		if message == "" {
			s.StrictDurability = on != 0
		}
		return message
	},
	"trace": func(s *State, words []string) string {
		if len(words) != 1 {
			return msgArgCount
		}
		s.TraceFile = words[0]
		return ""
	},
	"trace-size": func(s *State, words []string) string {
		if len(words) != 1 {
			return msgArgCount
		}
		n, ok := parseMemory(words[0])
		if !ok || n < minTraceSize || n > maxTraceSize {
			return rangeMessage(minTraceSize, maxTraceSize)
		}
		s.TraceSize = int64(n)
		return ""
	},
}

// Bounds of trace-size, in bytes.
const (
	minTraceSize = 1 << 20
	maxTraceSize = 1 << 40
)

// isOwn tells whether a stripped line sets a setting of our own.
func isOwn(line string) bool {
	rest, ok := strings.CutPrefix(line, ownPrefix)
	return ok && rest != "" && isSpace(rest[0])
}

// own applies such a line. A name that we do not know is left to a later
// version, with a warning.
func (l *loader) own(line string) string {
	words, ok := splitWords(line[len(ownPrefix):])
	if !ok {
		return msgUnbalanced
	}
	if len(words) == 0 {
		return ""
	}
	set := ownSettings[lower(words[0])]
	if set == nil {
		l.warn("Unknown setting '" + ownPrefix + " " + words[0] + "' is ignored")
		return ""
	}
	return set(&l.cfg.State, words[1:])
}
