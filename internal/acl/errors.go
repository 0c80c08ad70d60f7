package acl

import "errors"

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
	return "Error in ACL SETUSER modifier '" + e.Rule + "': " + e.Reason.Error()
}

// Unwrap gives the reason.
func (e *RuleError) Unwrap() error { return e.Reason }

// UnmatchedError is a selector that is not closed; it begins with Rule.
type UnmatchedError struct{ Rule string }

// Error is the text of ACL SETUSER, without `ERR `.
func (e *UnmatchedError) Error() string {
	return "Unmatched parenthesis in acl selector starting at '" + e.Rule + "'."
}

// LoadError is why the users of sentinel.conf or of an ACL file cannot be
// used at start: log lines at warning level, the last of which says that the process exits.
type LoadError struct{ Lines []string }

// Error joins the lines.
func (e *LoadError) Error() string { return "" }

// ConflictText is the log line of an aclfile beside `user` lines.
//
// Rule: C-83.
const ConflictText = "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. " +
	"This setup is very likely to lead to configuration errors and security holes, please define either an ACL file or " +
	"declare users directly in your redis.conf, but not both."

// NoFileText is the error, without its dash, of ACL SAVE and LOAD when there is no aclfile.
//
// Rule: K-6.4.
const NoFileText = "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the " +
	"ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to " +
	"store users in the Redis configuration."
