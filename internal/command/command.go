package command

// ID numbers the commands and subcommands of a Table from 0, densely; it is
// the same for every Table of one build.
type ID uint8

// MaxCommands is above every ID.
const MaxCommands = 128

// Flags is a set of command flags.
type Flags uint16

// The flags in the order in which COMMAND shows them.
const (
	Admin Flags = 1 << iota
	PubSub
	NoScript
	Loading
	Stale
	Fast
	NoAuth // allowed before authentication, never refused by ACL
	NoMulti
	AllowBusy
)

// Names lists the flags in the order of COMMAND.
func (f Flags) Names() []string {
	return pick(uint32(f), "admin", "pubsub", "noscript", "loading", "stale", "fast", "no_auth", "no_multi", "allow_busy")
}

// Command is one command or subcommand. Commands are immutable and may be
// compared by pointer within one Table.
type Command struct {
	ID          ID
	Name        string // original name, lower case: `sentinel`, `masters`
	FullName    string // `sentinel`, `sentinel|masters`
	Parent      *Command
	AliasOf     *Command // of which this is another spelling; nil of none
	Arity       int      // all words of the request; negative: at least
	Flags       Flags
	Categories  Categories
	Tips        []string
	Docs        Docs
	Subcommands []*Command // by name; empty for a plain command
}

// Canonical is the command whose permission this one has: that of which it is
// another spelling, or itself.
//
// Rule: K-2.17.
func (c *Command) Canonical() *Command {
	if c.AliasOf != nil {
		return c.AliasOf
	}
	return c
}

// Accepts tells whether a request of n words, command included, has the right
// number of them.
func (c *Command) Accepts(n int) bool {
	if c.Arity < 0 {
		return n >= -c.Arity
	}
	return n == c.Arity
}

// Docs is what COMMAND DOCS tells of a command; an empty field is not shown.
type Docs struct {
	Summary         string
	Since           string
	Group           string
	Complexity      string
	DocFlags        []string
	DeprecatedSince string
	ReplacedBy      string
	History         []Change
	Arguments       []Argument
}

// Change is one line of the history of a command.
type Change struct{ Version, Text string }

// Argument is one argument in COMMAND DOCS; an empty field is not shown.
type Argument struct {
	Name            string
	Type            ArgType
	DisplayText     string // of every argument but OneOf and Block
	Token           string
	Since           string
	DeprecatedSince string
	Flags           []string // optional, multiple, multiple_token
	Arguments       []Argument
}

// ArgType is the type of an argument as COMMAND DOCS spells it.
type ArgType string

// The types of arguments that Sentinel's commands have.
const (
	String    ArgType = "string"
	Integer   ArgType = "integer"
	Pattern   ArgType = "pattern"
	PureToken ArgType = "pure-token"
	OneOf     ArgType = "oneof"
	Block     ArgType = "block"
)

// pick gives the names whose bit is set.
func pick(bits uint32, names ...string) []string {
	var out []string
	for i, name := range names {
		if bits&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
