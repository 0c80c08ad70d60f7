package acl

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"gosentinel/internal/command"
)

// User is one user. It is read through its methods and changed by Users only.
type User struct {
	name         string
	on           bool
	noPass       bool
	sanitize     bool // sanitize-payload was given
	skipSanitize bool
	passwords    []string // sha256, lower-case hex
	root         selector
	selectors    []selector
}

// newUser gives a user who may do nothing.
func newUser(name string, allChannels bool) *User {
	return &User{name: name, root: selector{allChannels: allChannels}}
}

// newDefault gives the user `default` of a fresh Sentinel.
func newDefault(table *command.Table) *User {
	u := &User{name: DefaultUser, on: true, noPass: true}
	u.root.allKeys, u.root.allChannels = true, true
	u.root.setAll(table, true)
	return u
}

// clone gives a copy that shares nothing that changes.
func (u *User) clone() *User {
	c := *u
	c.passwords = slices.Clone(u.passwords)
	c.root = u.root.clone()
	c.selectors = make([]selector, len(u.selectors))
	for i := range u.selectors {
		c.selectors[i] = u.selectors[i].clone()
	}
	return &c
}

// Name is the name of the user.
func (u *User) Name() string { return u.name }

// Enabled tells whether the user is on: whether it may log in. Turning a user
// off does not end its sessions.
func (u *User) Enabled() bool { return u.on }

// NoPass tells whether any password is right.
func (u *User) NoPass() bool { return u.noPass }

// Accepts tells whether password is right, be the user on or off. The time
// does not depend on how much of a password is right.
//
// Rule: K-6.2.
func (u *User) Accepts(password []byte) bool {
	return u.acceptsHash(hash(password))
}

func (u *User) acceptsHash(sum string) bool {
	right := 0
	for _, known := range u.passwords {
		right |= subtle.ConstantTimeCompare([]byte(known), []byte(sum))
	}
	return u.noPass || right == 1
}

// applyPassword takes a rule with a password or, after # and !, its hash.
func (u *User) applyPassword(kind byte, text string) error {
	sum := text
	switch {
	case kind == '>' || kind == '<':
		sum = hash([]byte(text))
	case len(text) != sha256.Size*2 || strings.Trim(text, "0123456789abcdef") != "":
		return ErrHash
	}
	at := slices.Index(u.passwords, sum)
	switch {
	case kind == '<' || kind == '!':
		if at < 0 {
			return ErrNoSuchPassword
		}
		u.passwords = slices.Delete(u.passwords, at, at+1)
		return nil
	case at < 0 && len(u.passwords) == MaxRules:
		return ErrTooMany
	case at < 0:
		u.passwords = append(u.passwords, sum)
	}
	u.noPass = false
	return nil
}

func hash(password []byte) string {
	sum := sha256.Sum256(password)
	return hex.EncodeToString(sum[:])
}

// Reason is why a request was refused, as ACL LOG spells it.
type Reason string

// The reasons; ReasonNone, the zero value, is "not refused".
const (
	ReasonNone    Reason = ""
	ReasonCommand Reason = "command"
	ReasonChannel Reason = "channel"
	ReasonAuth    Reason = "auth"
)

// Check tells whether u may run the request args, resolved to c; for
// ReasonChannel arg is the index in args of the refused channel. AUTH and
// HELLO are never refused. Of several selectors, the one that allows most
// gives the reason. Nothing is allocated.
//
// Rule: K-1.2 step 5, K-5.
func (u *User) Check(c *command.Command, args [][]byte) (why Reason, arg int) {
	if c.Flags&command.NoAuth != 0 {
		return ReasonNone, 0
	}
	why, arg = u.root.check(c, args)
	for i := range u.selectors {
		if why == ReasonNone {
			break
		}
		w, a := u.selectors[i].check(c, args)
		if w == ReasonNone || w == ReasonChannel && (why == ReasonCommand || a > arg) {
			why, arg = w, a
		}
	}
	return why, arg
}

// ByCommandAlone tells whether Check says the same of every request for c,
// whatever its arguments. Only then may what it said be remembered.
//
// Rule: K-1.2 step 5.
func (u *User) ByCommandAlone(c *command.Command) bool {
	if !u.root.byCommandAlone(c) {
		return false
	}
	for i := range u.selectors {
		if !u.selectors[i].byCommandAlone(c) {
			return false
		}
	}
	return true
}

// MayListen tells whether u may hold these subscriptions, each by any of its
// selectors. After a SetUser the sessions of the user for which it is false
// are closed.
//
// Rule: K-6.4.
func (u *User) MayListen(channels, patterns []string) bool {
	for _, channel := range channels {
		if !u.hears(channel, false) {
			return false
		}
	}
	for _, pattern := range patterns {
		if !u.hears(pattern, true) {
			return false
		}
	}
	return true
}

func (u *User) hears(channel string, literal bool) bool {
	if allowsChannel(&u.root, channel, literal) {
		return true
	}
	for i := range u.selectors {
		if allowsChannel(&u.selectors[i], channel, literal) {
			return true
		}
	}
	return false
}

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
func (u *User) Info() Info {
	info := Info{Flags: u.flags(), Passwords: slices.Clone(u.passwords), Selector: describe(&u.root)}
	for i := range u.selectors {
		info.Selectors = append(info.Selectors, describe(&u.selectors[i]))
	}
	return info
}

func describe(s *selector) Selector {
	return Selector{Commands: s.commandText(), Keys: s.keyText(), Channels: s.channelText()}
}

func (u *User) flags() []string {
	flags := []string{"off"}
	if u.on {
		flags[0] = "on"
	}
	if u.noPass {
		flags = append(flags, "nopass")
	}
	if u.skipSanitize {
		flags = append(flags, "skip-sanitize-payload")
	}
	if u.sanitize {
		flags = append(flags, "sanitize-payload")
	}
	return flags
}

// Description is the text behind `user <name> `: words that are separated by
// single blanks.
//
// Rule: C-98, R-7.
func (u *User) Description() string {
	parts := u.flags()
	for _, sum := range u.passwords {
		parts = append(parts, "#"+sum)
	}
	parts = append(parts, u.root.text())
	for i := range u.selectors {
		parts = append(parts, "("+u.selectors[i].text()+")")
	}
	return strings.Join(parts, " ")
}

// DeniedText is the error, without its dash, of a request that Check refused.
//
// Rule: K-1.3, K-9.
func DeniedText(u *User, c *command.Command, why Reason) string {
	if why == ReasonChannel {
		return "NOPERM No permissions to access a channel"
	}
	return fmt.Sprintf("NOPERM User %s has no permissions to run the '%s' command", u.name, c.FullName)
}
