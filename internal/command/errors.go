package command

import (
	"errors"
	"strings"
)

// maxQuoted bounds in bytes what an error repeats of a request.
const maxQuoted = 128

// ErrorText is the reply, without its dash, to a request for which Lookup gave
// c and err; the listener cuts and cleans it as every error (K-0).
//
// Rule: K-1.3.
func ErrorText(args [][]byte, c *Command, err error) string {
	switch {
	case errors.Is(err, ErrUnknownSubcommand):
		return UnknownSubcommandText(args)
	case errors.Is(err, ErrArity):
		return ArityText(c)
	}
	return UnknownCommandText(args)
}

// UnknownCommandText is the error of a request whose command does not exist.
//
// Rule: K-1.3.
func UnknownCommandText(args [][]byte) string {
	var name string
	var list strings.Builder
	if len(args) > 0 {
		name = quoted(args[0], maxQuoted)
		for _, arg := range args[1:] {
			if list.Len() >= maxQuoted {
				break
			}
			list.WriteString("'" + quoted(arg, maxQuoted-list.Len()) + "' ")
		}
	}
	return "ERR unknown command '" + name + "', with args beginning with: " + list.String()
}

// UnknownSubcommandText is the error of a request, of at least two words,
// whose container has no such subcommand.
//
// Rule: K-1.3.
func UnknownSubcommandText(args [][]byte) string {
	return "ERR unknown subcommand '" + quoted(args[1], maxQuoted) + "'. Try " + typed(args) + " HELP."
}

// WrongShapeText is the error of a handler to arguments that the arity of its
// subcommand allows and that it cannot use.
//
// Rule: K-1.3.
func WrongShapeText(args [][]byte) string {
	return "ERR unknown subcommand or wrong number of arguments for '" + quoted(args[1], maxQuoted) + "'. Try " + typed(args) + " HELP."
}

// ArityText is the error of a wrong number of arguments.
//
// Rule: K-1.3.
func ArityText(c *Command) string {
	return "ERR wrong number of arguments for '" + c.FullName + "' command"
}

// SubscribedText is the error of a command that a subscribed RESP2 connection
// cannot run.
//
// Rule: K-1.3.
func SubscribedText(c *Command) string {
	return "ERR Can't execute '" + c.FullName + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
}

// typed is the command as the client wrote it, in upper case.
func typed(args [][]byte) string { return strings.ToUpper(string(args[0])) }

// quoted is arg up to limit bytes and its first NUL.
func quoted(arg []byte, limit int) string {
	if len(arg) > limit {
		arg = arg[:limit]
	}
	s, _, _ := strings.Cut(string(arg), "\x00")
	return s
}
