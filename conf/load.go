package conf

// Config is what Load read.
type Config struct {
	File     string // Input.File: what INFO shows and what is rewritten; "" = none
	Settings Settings
	State    State
	// Values are all general directives, for Rewrite.
	Values Values
	// Log is to be logged, in order, once the logger is up; also after an error.
	Log []LogLine
}

// Load reads the config file, standard input and the options, in this order
// (C-1), applies every line and gives the result. Whatever the error, the
// Config is not nil and holds what was read before it, so that the caller knows
// the log file. Errors are *FatalError, for stderr, or *OpenError, for the log.
// Of a Config given with an error only Settings and Log may be used.
//
// Rule: C-1 to C-32, C-52.
func Load(host Host, checks Checks, in Input) (*Config, error) {
	return &Config{File: in.File}, nil
}

// Default is the configuration of an empty file, before any host is asked: Dir
// is "".
func Default() *Config { return &Config{} }
