package conf

import (
	"math"
	"strings"
)

// What a value may be is asked here and nowhere else: by reading a file, and by
// the commands that change a value at run time. So whatever a command accepts
// loads again.

// Bounds of values, in a file and at run time.
//
// Rule: R-3.
const (
	// MaxNumber bounds counts, and times in milliseconds that a command sets:
	// what the original can read back from a file. A file may have longer times.
	MaxNumber = math.MaxInt32
	// MaxMasterName bounds the name of a master in bytes, so that a hello with it
	// is one that we would read.
	MaxMasterName = 1024
	// MaxHost is the length of the longest name that DNS knows, in bytes.
	MaxHost = 255
	// MaxRenames is how many commands of a master may be renamed at run time:
	// far more than there are.
	MaxRenames = 512

	runIDLen = 40
)

// ValidText tells whether a password, a user, a path or a word may be written
// to the file: any text without line feed and NUL.
//
// Rule: R-3, C-18.
func ValidText(s string) bool { return !strings.ContainsAny(s, "\n\x00") }

// isPlain tells whether s has no white space, quotes or control bytes.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == 0x7f || c == '"' || c == '\'' {
			return false
		}
	}
	return true
}

// ValidMasterName tells whether a name survives in the file. Others can read
// what is told of such a master only if FitsHello holds too: a file may have
// other names, since originals load them, but no command makes one.
//
// Rule: R-3, C-58.
func ValidMasterName(name string) bool {
	return name != "" && len(name) <= MaxMasterName && isPlain(name)
}

// FitsHello tells whether a text can be a field of a hello: these are set apart
// by commas.
//
// Rule: B-401.
func FitsHello(s string) bool { return !strings.Contains(s, ",") }

// ValidHost tells whether a host, be it a name or an IP, survives in the file
// and in a hello.
//
// Rule: R-3.
func ValidHost(host string) bool {
	return host != "" && len(host) <= MaxHost && isPlain(host) && FitsHello(host)
}

// ValidRunID tells whether a text can be the id of a Sentinel: 40 bytes without
// white space, quotes, commas or control bytes, as originals take them from each
// other. It is asked of `sentinel myid`, of hellos and of requests for votes.
//
// Rule: R-19, B-422.
func ValidRunID(id string) bool {
	return len(id) == runIDLen && isPlain(id) && FitsHello(id)
}
