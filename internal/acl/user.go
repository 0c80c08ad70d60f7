package acl

import "gosentinel/internal/command"

// User is one user. Read it through its methods only.
type User struct {
	name string
}

// Name is the name of the user.
func (u *User) Name() string { return u.name }

// Enabled tells whether the user is on: whether it may log in.
func (u *User) Enabled() bool { return false }

// NoPass tells whether any password is right.
func (u *User) NoPass() bool { return false }

// Reason is why a request was refused, as ACL LOG spells it.
type Reason string

// The reasons; ReasonNone, the zero value, is "not refused".
const (
	ReasonNone    Reason = ""
	ReasonCommand Reason = "command"
	ReasonChannel Reason = "channel"
	ReasonKey     Reason = "key" // Sentinel's commands have no keys
	ReasonAuth    Reason = "auth"
)

// Check tells whether u may run the request args, resolved to c; for
// ReasonChannel arg is the index in args of the refused channel. AUTH and
// HELLO are never refused. Nothing is allocated.
//
// Rule: K-1.2 step 5, K-5.
func (u *User) Check(c *command.Command, args [][]byte) (why Reason, arg int) {
	return ReasonNone, 0
}

// MayListen tells whether u may hold these subscriptions; after a Change that
// narrowed its channels, its sessions for which it is false are closed.
func (u *User) MayListen(channels, patterns []string) bool { return true }

// Selector is the text of one selector in ACL GETUSER.
type Selector struct {
	Commands string
	Keys     string
	Channels string
}

// Info is the answer to ACL GETUSER.
type Info struct {
	Flags     []string
	Passwords []string // sha256, lower-case hex
	Selector           // of the user itself
	Selectors []Selector
}

// Info describes the user for ACL GETUSER.
//
// Rule: K-6.4.
func (u *User) Info() Info { return Info{} }

// Description is the text behind `user <name> `.
//
// Rule: C-98.
func (u *User) Description() string { return "" }

// DeniedText is the error, without its dash, of a request that Check refused.
//
// Rule: K-1.3.
func DeniedText(u *User, c *command.Command, why Reason) string { return "" }
