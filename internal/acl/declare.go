package acl

// Declarations are the `user` lines of sentinel.conf, checked as they are
// read and applied at the end of the start (Users.Apply). The zero value is empty.
type Declarations struct {
	users []declaration
}

type declaration struct {
	name  string
	rules []string
}

// Add takes one line: words[0] is `user`, in any case, words[1] the name. The
// error's text is the reason of the configuration error.
//
// Rule: C-80.
func (d *Declarations) Add(words []string) error { return nil }

// Len is the number of users declared.
func (d *Declarations) Len() int { return len(d.users) }
