package acl

import (
	"errors"
	"fmt"
	"strings"

	"gosentinel/internal/command"
)

// Declarations are the `user` lines of sentinel.conf, checked as they are
// read and applied at the end of the start (Users.Apply). The zero value is
// empty.
type Declarations struct {
	// AllChannels is acl-pubsub-default as it stands when a line is read: a
	// new user may begin with all channels.
	AllChannels bool

	table *command.Table
	names map[string]bool
	users []declaration
}

type declaration struct {
	name  string
	rules []string // merged
}

// Add takes one line: words[0] is `user`, in any case, words[1] the name. The
// rules are checked by themselves; unknown commands and categories are left for
// Apply. The error is the whole text of the configuration error.
//
// Rule: C-80.
func (d *Declarations) Add(words []string) error {
	if d.table == nil {
		d.table, d.names = command.NewTable(), make(map[string]bool)
	}
	name := words[1]
	if d.names[name] {
		return declareError(name, "Duplicate user found. A user can only be defined once in config files")
	}
	merged, err := mergeSelectors(words[2:])
	if err != nil {
		return declareError(name, "Wrong format")
	}
	u := newUser(name, d.AllChannels)
	for i, rule := range merged {
		if err := u.apply(d.table, rule, false); err != nil && err != ErrUnknown {
			// The original names the word at this index of the line, not the
			// rule, and has put the first into lower case.
			word := words[i]
			if i == 0 {
				word = strings.ToLower(word)
			}
			return declareError(word, err.Error())
		}
	}
	d.names[name] = true
	d.users = append(d.users, declaration{name, merged})
	return nil
}

func declareError(word, why string) error {
	return fmt.Errorf("Error in user declaration '%s': %s", word, why)
}

// Len is the number of users declared.
func (d *Declarations) Len() int { return len(d.users) }

// Apply makes the users that the `user` lines of sentinel.conf declare, at the
// end of the start; `default` starts from a reset. The notices are log lines
// at notice level; they come with an error too, which is a *LoadError.
//
// Rule: C-80, C-82.
func (us *Users) Apply(d *Declarations) (notices []string, err error) {
	for _, decl := range d.users {
		if hasBlank(decl.name) {
			return notices, &LoadError{[]string{"Spaces not allowed in ACL usernames", criticalText}}
		}
		u := newUser(decl.name, us.allChannels)
		if decl.name == DefaultUser {
			u.sanitize = true
		}
		var bad *RuleError
		if errors.As(u.applyAll(us.table, decl.rules, us.allChannels), &bad) {
			line := fmt.Sprintf("Error loading ACL rule '%s' for the user named '%s': %v", bad.Rule, decl.name, bad.Reason)
			return notices, &LoadError{[]string{line, criticalText}}
		}
		if old := us.byName[decl.name]; old != nil {
			*old = *u
		} else {
			us.add(u)
		}
		if !u.on {
			notices = append(notices, fmt.Sprintf("The user '%s' is disabled (there is no 'on' modifier in the user description). "+
				"Make sure this is not a configuration error.", decl.name))
		}
	}
	return notices, nil
}
