package listener

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
)

// verbose logs a line at level verbose; text is called only if somebody reads
// such lines.
func (s *Server) verbose(text func() string) {
	if s.log.Enabled(context.Background(), levelVerbose) {
		s.log.Log(context.Background(), levelVerbose, text())
	}
}

// logAccepted tells that c has come, be it let in or not.
//
// Rule: K-6.1.
func (c *client) logAccepted() {
	c.s.verbose(func() string {
		if c.unix {
			return "Accepted connection to " + c.sock.LocalAddr().String()
		}
		return "Accepted " + bareEndpoint(c.sock.RemoteAddr())
	})
}

// logEnd tells why the input of c has ended, unless we ended it.
func (c *client) logEnd(err error) {
	select {
	case <-c.gone:
		return
	default:
	}
	if c.dropping {
		return
	}
	c.s.verbose(func() string {
		var errno syscall.Errno
		switch {
		case errors.Is(err, io.EOF):
			return "Client closed connection " + c.line()
		case errors.As(err, &errno):
			return "Reading from client: " + errnoText(errno)
		}
		return "Reading from client: " + err.Error()
	})
}

// protocolReasons are the words that the log has for a protocol error, where
// they are not those of the reply.
var protocolReasons = map[string]string{
	"invalid multibulk length":         "invalid mbulk count",
	"unauthenticated multibulk length": "unauth mbulk count",
	"unauthenticated bulk length":      "unauth bulk length",
	"unbalanced quotes in request":     "unbalanced quotes in inline request",
}

// logProtocolError tells of a request that is none, and shows its beginning and
// the end of what came.
func (c *client) logProtocolError(err error, input []byte) {
	c.s.verbose(func() string {
		reason := strings.TrimPrefix(err.Error(), "Protocol error: ")
		if text, ok := protocolReasons[reason]; ok {
			reason = text
		} else if strings.HasPrefix(reason, "expected '$'") {
			reason = "expected $ but got something else"
		}
		return fmt.Sprintf("Protocol error (%s) from client: %s. Query buffer during protocol error: %s", reason, c.line(), excerpt(input))
	})
}

// excerptSide is how much an excerpt has of each end.
const excerptSide = 64

func excerpt(b []byte) string {
	if len(b) < 2*excerptSide {
		return "'" + dotted(b) + "'"
	}
	tail := len(b) - excerptSide
	return fmt.Sprintf("'%s' (... more %d bytes ...) '%s'", dotted(b[:excerptSide]), tail-excerptSide, dotted(b[tail:]))
}

// dotted shows what cannot be printed as dots.
func dotted(b []byte) string {
	out := []byte(string(b))
	for i, ch := range out {
		if ch < ' ' || ch > '~' {
			out[i] = '.'
		}
	}
	return string(out)
}
