package conf

// Values are the general directives with their values. A Values is immutable;
// the zero Values holds the defaults.
type Values struct{}

// With is v with one directive set as a line `name value...` of the file would
// set it. The daemon uses it for what changes by itself (C-99): a detected
// supervised mode, the default pid file.
func (v Values) With(name string, value ...string) (Values, error) { return v, nil }

// Rewrite gives the next config file: old is the file on disk now (nil if it is
// missing), v the general directives as loaded, users the descriptions of all
// users as `<name> <rules>` without the word user (nil when an aclfile is in
// use), state what the core holds. state.LogLevel wins over the loglevel in v.
// Nothing is lost of old but what C-92 names.
//
// If state.StateFile is set, old must be the content of that file, and only
// `sentinel` lines are written; v and users are then ignored.
//
// Rule: C-92 to C-105, C-128, R-23.
func Rewrite(old []byte, v Values, users []string, state State) []byte { return nil }
