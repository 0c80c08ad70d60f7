package conf

import (
	"fmt"
	"strings"
)

// version is the one that texts show.
const version = "7.2.4"

// FatalError is a rejected line, or, with Line 0, a rejected whole. It goes to
// stderr as Block and ends the start with status 1.
//
// Rule: C-22.
type FatalError struct {
	Line    int    // from 1, in the text that holds it (C-3); 0 = no line
	Text    string // the stripped line
	Message string
}

// Error is the message with its line, on one line.
func (e *FatalError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: '%s': %s", e.Line, e.Text, e.Message)
}

// Block is what goes to stderr, line feeds included.
func (e *FatalError) Block() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n*** FATAL CONFIG FILE ERROR (Redis %s) ***\n", version)
	if e.Line > 0 {
		fmt.Fprintf(&b, "Reading the configuration file, at line %d\n>>> '%s'\n", e.Line, e.Text)
	}
	b.WriteString(e.Message + "\n")
	return b.String()
}

// OpenError is a config file, included or main, that cannot be read. Its Error
// text is the line to log at level #; the start ends with status 1.
//
// Rule: C-27.
type OpenError struct {
	Path string
	Err  error
}

// Error is the line to log.
func (e *OpenError) Error() string {
	return fmt.Sprintf("Fatal error, can't open config file '%s': %s", e.Path, e.Err)
}

// Unwrap is the error of the Host.
func (e *OpenError) Unwrap() error { return e.Err }
