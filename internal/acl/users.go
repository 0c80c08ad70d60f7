package acl

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"gosentinel/internal/command"
)

// DefaultUser is the name of the user of connections that did not log in.
const DefaultUser = "default"

// Users is the set of all users. The user `default` always exists.
type Users struct {
	table       *command.Table
	allChannels bool
	byName      map[string]*User
	names       []string // sorted by bytes
}

// New makes a set that holds the fresh user `default` (on, nopass, everything
// allowed). Rules name the commands of table by their original names, DryRun
// by their current ones. allChannels is `acl-pubsub-default allchannels`: what
// users and selectors made later may do with channels when their rules say
// nothing.
func New(table *command.Table, allChannels bool) *Users {
	us := &Users{table: table, allChannels: allChannels, byName: make(map[string]*User)}
	us.add(newDefault(table))
	return us
}

func (us *Users) add(u *User) {
	us.byName[u.name] = u
	at, _ := slices.BinarySearch(us.names, u.name)
	us.names = slices.Insert(us.names, at, u.name)
}

// User gives the user of that exact name, or nil. The pointer stays the
// identity of the user until it is deleted or replaced by Load; SetUser
// changes what it points to. That of `default` stays for ever.
func (us *Users) User(name string) *User { return us.byName[name] }

// Names lists all users by bytes. The slice is the caller's.
func (us *Users) Names() []string { return slices.Clone(us.names) }

// Snapshot gives all users as they are now, in order of Names: what is changed
// later does not show in them.
func (us *Users) Snapshot() []User {
	list := make([]User, len(us.names))
	for i, name := range us.names {
		list[i] = *us.byName[name] // a change replaces what it points to as a whole (SetUser)
	}
	return list
}

// Line is the line of the user in ACL LIST and in an ACL file.
//
// Rule: C-98.
func (u *User) Line() string { return "user " + u.name + " " + u.Description() }

// Lines gives `user <name> <description>` per user, in order of Names: the
// reply to ACL LIST and, each ended by a line feed, an ACL file.
//
// Rule: C-98, K-6.4.
func (us *Users) Lines() []string {
	lines := make([]string, len(us.names))
	for i, name := range us.names {
		lines[i] = us.byName[name].Line()
	}
	return lines
}

// ConfLines gives `<name> <description>` per user, in order of Names, as the
// `user` lines of sentinel.conf hold them: a word that would not be read back as it
// stands (the original writes it all the same) is quoted.
//
// Rule: C-98, R-3.
func (us *Users) ConfLines() []string {
	lines := make([]string, len(us.names))
	for i, name := range us.names {
		words := append([]string{name}, strings.Split(us.byName[name].Description(), " ")...)
		for j, word := range words {
			words[j] = confWord(word)
		}
		lines[i] = strings.Join(words, " ")
	}
	return lines
}

// confWord quotes a word of sentinel.conf if it must be.
func confWord(word string) string {
	plain := word != ""
	for i := 0; i < len(word); i++ {
		if c := word[i]; c < ' ' || c == 0x7f || c == '"' || c == '\'' {
			plain = false
		}
	}
	if plain {
		return word
	}
	var out strings.Builder
	out.WriteByte('"')
	for i := 0; i < len(word); i++ {
		switch c := word[i]; {
		case c == '"' || c == '\\':
			out.WriteString(`\` + string(c))
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&out, `\x%02x`, c)
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('"')
	return out.String()
}

// SetRequirePass gives `default` this one password, or, with "", none at all
// (nopass). It comes before the `user` lines, which win.
//
// Rule: C-82.
func (us *Users) SetRequirePass(password string) {
	u := us.byName[DefaultUser]
	u.passwords, u.noPass = nil, true
	if password != "" {
		u.passwords, u.noPass = []string{hash([]byte(password))}, false
	}
}

// Change is what a successful SetUser did. The sessions of a user that is not
// new for which User.MayListen is now false must be closed.
type Change struct {
	User    *User
	Created bool
}

// SetUser applies rules, in order, to a user, which is created if missing; on
// an error, a *RuleError, *UnmatchedError or ErrUserName, nothing has changed.
//
// Rule: K-6.4.
func (us *Users) SetUser(name string, rules []string) (Change, error) {
	if hasBlank(name) {
		return Change{}, ErrUserName
	}
	merged, err := mergeSelectors(rules)
	if err != nil {
		return Change{}, err
	}
	old := us.byName[name]
	next := newUser(name, us.allChannels)
	if old != nil {
		next = old.clone()
	}
	if err := next.applyAll(us.table, merged, us.allChannels); err != nil {
		return Change{}, err
	}
	if old == nil {
		us.add(next)
		return Change{User: next, Created: true}, nil
	}
	*old = *next
	return Change{User: old}, nil
}

// DelUser deletes the users that exist and gives them; their sessions must be
// closed. ErrDeleteDefault, and nothing is deleted, if `default` is named.
//
// Rule: K-6.4.
func (us *Users) DelUser(names []string) ([]*User, error) {
	if slices.Contains(names, DefaultUser) {
		return nil, ErrDeleteDefault
	}
	var deleted []*User
	for _, name := range names {
		if u := us.byName[name]; u != nil {
			deleted = append(deleted, u)
			delete(us.byName, name)
		}
	}
	us.names = slices.DeleteFunc(us.names, func(name string) bool { return us.byName[name] == nil })
	return deleted, nil
}

// Authenticate gives the user whose name and password these are; nil if the
// name is unknown, the user off or the password wrong. The time tells neither
// which, nor how much of a password is right.
//
// Rule: K-6.2.
func (us *Users) Authenticate(name, password []byte) *User {
	sum := hash(password)
	u := us.byName[string(name)]
	if u == nil || !u.acceptsHash(sum) || !u.on {
		return nil
	}
	return u
}

// DryRun answers ACL DRYRUN: the text of the refusal, a bulk string, or "" if
// the user may run the request. The error's text lacks `ERR `.
//
// Rule: K-6.4, K-9.
func (us *Users) DryRun(name string, args [][]byte) (denied string, err error) {
	u := us.byName[name]
	if u == nil {
		return "", fmt.Errorf("User '%s' not found", name)
	}
	c, err := us.table.Lookup(args)
	switch {
	case errors.Is(err, command.ErrArity):
		return "", errors.New(strings.TrimPrefix(command.ArityText(c), "ERR "))
	case err != nil:
		//lint:ignore ST1005 clients see this text as it stands
		return "", fmt.Errorf("Command '%s' not found", args[0])
	}
	switch why, arg := u.Check(c, args); why {
	case ReasonNone:
		return "", nil
	case ReasonChannel:
		return fmt.Sprintf("User %s has no permissions to access the '%s' channel", name, args[arg]), nil
	}
	return fmt.Sprintf("User %s has no permissions to run the '%s' command", name, c.FullName), nil
}

// replace makes users all there are; a fresh `default` is added if it is
// missing. The *User of `default` stays.
func (us *Users) replace(users []*User) {
	old := us.byName[DefaultUser]
	*old = *newDefault(us.table)
	us.byName = map[string]*User{DefaultUser: old}
	us.names = []string{DefaultUser}
	for _, u := range users {
		if u.name == DefaultUser {
			*old = *u
			continue
		}
		us.byName[u.name] = u
		us.names = append(us.names, u.name)
	}
	sort.Strings(us.names)
}
