package acl

import "gosentinel/internal/command"

// DefaultUser is the name of the user of connections that did not log in.
const DefaultUser = "default"

// Users is the set of all users. The user `default` always exists.
type Users struct {
	table       *command.Table
	allChannels bool
	byName      map[string]*User
	names       []string // sorted
}

// New makes a set that holds the fresh user `default` (on, nopass, everything
// allowed). Rules name the commands of table by their original names.
// allChannels is `acl-pubsub-default allchannels`: what users and selectors
// made later may do with channels when their rules say nothing.
func New(table *command.Table, allChannels bool) *Users { return nil }

// User gives the user of that exact name, or nil. The pointer stays the
// identity of the user until it is deleted or replaced by Load; SetUser
// changes what it points to.
func (us *Users) User(name string) *User { return us.byName[name] }

// Names lists all users by bytes. The caller must not change it.
func (us *Users) Names() []string { return us.names }

// Lines gives `user <name> <description>` per user, in order of Names: the
// reply to ACL LIST, the `user` lines of sentinel.conf and, each ended by a line
// feed, an ACL file.
//
// Rule: C-98, K-6.4.
func (us *Users) Lines() []string { return nil }

// SetRequirePass gives `default` this one password, or, with "", none at all
// (nopass).
//
// Rule: C-82.
func (us *Users) SetRequirePass(password string) {}

// Change is what a successful SetUser did.
type Change struct {
	User     *User
	Created  bool
	Narrowed bool // the user lost channels: sessions for which User.MayListen is false must be closed
}

// SetUser applies rules, in order, to a user, which is created if missing; on
// an error, a *RuleError, ErrUserName or *UnmatchedError, nothing has changed.
//
// Rule: K-6.4.
func (us *Users) SetUser(name string, rules []string) (Change, error) { return Change{}, nil }

// DelUser deletes the users that exist and gives them; their sessions must be
// closed. ErrDeleteDefault, and nothing is deleted, if `default` is named.
//
// Rule: K-6.4.
func (us *Users) DelUser(names []string) ([]*User, error) { return nil, nil }

// Load replaces all users by those of an ACL file; path is only for errors. On
// an error, whose text is that of ACL LOAD without `ERR `, nothing changes. After a
// success all sessions of users other than `default` must be closed.
//
// Rule: K-6.4, C-83.
func (us *Users) Load(path string, text []byte) error { return nil }

// Authenticate checks name and password, in constant time per password, and
// gives the user, or nil if the name is unknown, the user off or the password wrong.
//
// Rule: K-6.2.
func (us *Users) Authenticate(name, password []byte) *User { return nil }

// Apply makes the users of the `user` lines of sentinel.conf, step 10 of the
// start. The notices are log lines (at notice level); an error is a *LoadError: the log lines before the process exits.
//
// Rule: C-80.
func (us *Users) Apply(d *Declarations) (notices []string, err error) { return nil, nil }

// DryRun answers ACL DRYRUN for a known user: the text of the refusal, "" if the request may run.
//
// Rule: K-6.4.
func (us *Users) DryRun(u *User, c *command.Command, args [][]byte) string { return "" }
