package acl

//lint:file-ignore ST1005 clients see these texts as they stand

import (
	"errors"
	"fmt"
	"strings"
)

// Why a rule is not accepted.
//
// Rule: K-6.4.
var (
	ErrUnknown        = errors.New("Unknown command or category name in ACL")
	ErrSyntax         = errors.New("Syntax error")
	ErrAllKeys        = errors.New("Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns")
	ErrAllChannels    = errors.New("Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels")
	ErrNoSuchPassword = errors.New("The password you are trying to remove from the user does not exist")
	ErrHash           = errors.New("The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters")
	ErrFirstArg       = errors.New("Allowing first-arg of a subcommand is not supported")
	// ErrTooMany is our own: a user has MaxRules of one kind.
	ErrTooMany = errors.New("Too many rules")
)

// Errors of Users.SetUser and Users.DelUser.
var (
	ErrUserName      = errors.New("Usernames can't contain spaces or null characters")
	ErrDeleteDefault = errors.New("The 'default' user cannot be removed")
)

// RuleError is a rule that is not accepted; Reason is one of the errors above.
type RuleError struct {
	Rule   string
	Reason error
}

// Error is the text of ACL SETUSER, without `ERR `.
func (e *RuleError) Error() string {
	return fmt.Sprintf("Error in ACL SETUSER modifier '%s': %v", e.Rule, e.Reason)
}

// Unwrap gives the reason.
func (e *RuleError) Unwrap() error { return e.Reason }

// UnmatchedError is a selector that is not closed; it begins with Rule.
type UnmatchedError struct{ Rule string }

// Error is the text of ACL SETUSER, without `ERR `.
func (e *UnmatchedError) Error() string {
	return fmt.Sprintf("Unmatched parenthesis in acl selector starting at '%s'.", e.Rule)
}

// LoadError is why the users of sentinel.conf cannot be made at the start:
// log lines at warning level, after which the process exits.
type LoadError struct{ Lines []string }

// Error joins the lines.
func (e *LoadError) Error() string { return strings.Join(e.Lines, "; ") }

// Texts around the loading of users. NoFileText is the error, without its
// dash, of ACL SAVE and LOAD when there is no aclfile; ConflictText
// is the log line of a start that ends because of an aclfile beside `user` lines.
//
// Rule: C-80, C-83, K-6.4.
const (
	NoFileText = "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the " +
		"ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to " +
		"store users in the Redis configuration."
	ConflictText = "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. " +
		"This setup is very likely to lead to configuration errors and security holes, please define either an ACL file or " +
		"declare users directly in your redis.conf, but not both."
	criticalText = "Critical error while loading ACLs. Exiting."
)

// AbortText is the log line of a start that ends because the ACL file cannot
// be opened or loaded: why is OpenText or the text of an error of Users.Load.
//
// Rule: C-83.
func AbortText(why string) string {
	return "Aborting Redis startup because of ACL errors: " + why
}

// OpenText is the error, without `ERR `, of an ACL file that cannot be
// opened; reason is the text of the system's error alone.
//
// Rule: C-83.
func OpenText(path, reason string) string {
	return fmt.Sprintf("Error loading ACLs, opening file '%s': %s", path, reason)
}
