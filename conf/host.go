package conf

// Host is the world as reading a configuration sees it. Where a rule prints the
// text of an error (C-24, C-27, 4.3), it is the Error text of the error
// returned, so that must be the text of strerror(3) alone ("No such file or
// directory"). The methods are called in the order of the lines read, on the
// goroutine of Load.
type Host interface {
	// ReadFile reads a whole file. A directory reads as empty (C-28). For a
	// missing file errors.Is(err, fs.ErrNotExist) holds.
	ReadFile(name string) ([]byte, error)
	// ReadState reads the file that `sentinel state-config-file` names, as
	// ReadFile does. It fails if others can have put the file there.
	ReadState(name string) ([]byte, error)
	// Glob gives the names that match a glob(3) pattern in byte order; that there
	// are none is not an error, nor is a bad pattern (C-26).
	Glob(pattern string) []string
	// Chdir changes the current directory: the `dir` directive, at once.
	Chdir(dir string) error
	// Getwd is the current directory, absolute.
	Getwd() string
	// Executable tells whether access(2) with X_OK succeeds.
	Executable(name string) bool
	// TryLog opens name for append, creating it, and closes it (C-24).
	TryLog(name string) error
}

// Checks are the rules that belong to other packages. A nil function accepts
// everything. (User lines are checked by internal/acl, see Config.Users.)
type Checks struct {
	// Command tells whether the Sentinel has a command of this name, in any
	// case, for `rename-command` (C-84).
	Command func(name string) bool
}

// Input is what a configuration is read from.
type Input struct {
	// File is the absolute path of the config file (C-34); "" = none.
	File string
	// Stdin is what standard input held; used if Args.Stdin.
	Stdin []byte
	// Args are the options of the command line.
	Args Args
}

// LogLine is something to log while or after a configuration was read.
type LogLine struct {
	Level byte   // one of . - * # as in C-113
	Text  string // without prefix and line end
	Ours  bool   // a warning that the original has not: only for a configuration that is used
}
