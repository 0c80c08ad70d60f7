package invariant

import "fmt"

// That panics with a Violation unless ok. Rule is the number of the rule that
// would be broken; format and args say how. It is always on: keep it cheap,
// and put what costs more behind Enabled.
func That(ok bool, rule, format string, args ...any) {
	if !ok {
		panic(Violation{Rule: rule, Text: fmt.Sprintf(format, args...)})
	}
}

// Violation is what That panics with.
type Violation struct {
	Rule string // "E-31"
	Text string
}

// Error is the rule and how it was broken.
func (v Violation) Error() string { return "invariant " + v.Rule + ": " + v.Text }
