package conf

import (
	"slices"
	"strings"

	"gosentinel/internal/acl"
)

// maxIncludes is how many included files one configuration may have: far more
// than anyone has, and few enough to stop files that include each other.
const maxIncludes = 1000

// maxIncludeDepth is how deep includes may nest.
const maxIncludeDepth = 32

// Bounds of hz.
//
// Rule: C-24.
const (
	minHz = 1
	maxHz = 500
)

// Config is what Load read.
type Config struct {
	File     string // Input.File: what INFO shows and what is rewritten; "" = none
	Settings Settings
	State    State
	// Values are all general directives, for Rewrite.
	Values Values
	// Users are the `user` lines, checked, to be applied by the caller.
	Users *acl.Declarations
	// Log is to be logged, in order, once the logger is up; also after an error.
	Log []LogLine
}

// Default is the configuration of an empty file, before any host is asked: Dir
// is "".
func Default() *Config {
	cfg := &Config{Users: &acl.Declarations{}, State: State{DenyScriptsReconfig: true}}
	cfg.apply(slices.Clone(sentinelDefaults))
	return cfg
}

// Load reads the config file, standard input and the options, in this order
// (C-1), applies every line and gives the result. Whatever the error, the
// Config is not nil and holds what was read before it, so that the caller knows
// the log file. Errors are *FatalError, for stderr, or *OpenError, for the log.
// Of a Config given with an error only Settings and Log may be used. A directory
// as main file reads as empty; the caller refuses it (C-48).
//
// Rule: C-1 to C-32, C-52, R-23.
func Load(host Host, checks Checks, in Input) (*Config, error) {
	l := &loader{
		host:   host,
		checks: checks,
		cfg:    Default(),
		vals:   slices.Clone(sentinelDefaults),
	}
	l.cfg.File = in.File
	err := l.load(in)
	l.cfg.apply(l.vals)
	return l.cfg, err
}

// loader is the state of one Load.
type loader struct {
	host   Host
	checks Checks
	cfg    *Config
	vals   []value // as table

	sentinel     []sentinelLine
	hasDefault   bool            // a `user default` line was read
	defaultRules []string        // its rules
	renamed      map[string]bool // by rename-command: true = a new name, false = a name gone
	ignored      []string        // directives whose warning was given

	depth, included int

	masters map[string]*masterReader
	inState bool // the lines applied are those of the state file
}

func (l *loader) log(level byte, text string) {
	l.cfg.Log = append(l.cfg.Log, LogLine{Level: level, Text: text})
}

// warn logs a warning of our own.
func (l *loader) warn(text string) {
	l.cfg.Log = append(l.cfg.Log, LogLine{Level: '#', Text: text, Ours: true})
}

func (l *loader) load(in Input) error {
	if in.Args.Stdin {
		l.log('*', "Reading config from stdin")
	}
	var text []byte
	if in.File != "" {
		var err error
		if text, err = l.read(in.File); err != nil {
			return err
		}
	}
	if in.Args.Stdin {
		text = append(text, in.Stdin...)
	}
	text = append(text, '\n')
	text = append(text, in.Args.Text...)
	if err := l.text(string(text)); err != nil {
		return err
	}
	dir := &l.vals[index["dir"]]
	dir.text = l.host.Getwd()
	l.warnShadowedPassword()
	if err := l.applySentinel(false); err != nil {
		return err
	}
	return l.stateFile()
}

// read gives the content of a file, or of all that match a pattern.
//
// Rule: C-26, C-27.
func (l *loader) read(name string) ([]byte, error) {
	names := []string{name}
	if strings.ContainsAny(name, "*?[") {
		names = l.host.Glob(name)
	}
	var text []byte
	for _, n := range names {
		content, err := l.host.ReadFile(n)
		if err != nil {
			return nil, &OpenError{n, err}
		}
		text = append(text, content...)
	}
	return text, nil
}

// text applies all lines of one text, the main one or an included one. Lines of
// `sentinel` are queued.
func (l *loader) text(text string) error {
	n := 0
	for raw := range strings.SplitSeq(text, "\n") {
		n++
		stripped := strings.Trim(raw, blanks)
		message, err := l.line(n, stripped)
		if err != nil {
			return err
		}
		if message != "" {
			return &FatalError{n, stripped, message}
		}
	}
	return l.afterText()
}

// afterText makes the checks that follow each text.
//
// Rule: C-24.
func (l *loader) afterText() error {
	if logFile := l.vals[index["logfile"]].text; logFile != "" {
		if err := l.host.TryLog(logFile); err != nil {
			return &FatalError{Message: "Can't open the log file: " + err.Error()}
		}
	}
	hz := &l.vals[index["hz"]].num
	*hz = min(max(*hz, minHz), maxHz)
	if l.vals[index["cluster-enabled"]].num != 0 && l.vals[index["replicaof"]].list != nil {
		return &FatalError{Message: msgCluster}
	}
	return nil
}

// line applies one stripped line. The message is that of a rejected line.
//
// Rule: C-8, C-10, 1.5.
func (l *loader) line(n int, stripped string) (message string, err error) {
	switch {
	case strings.IndexByte(stripped, 0) >= 0:
		return msgCharacter, nil
	case isOwn(stripped):
		return l.own(stripped), nil
	case stripped == "" || stripped[0] == '#':
		return "", nil
	}
	words, ok := splitWords(stripped)
	if !ok {
		return msgUnbalanced, nil
	}
	if len(words) == 0 {
		return "", nil
	}
	for _, w := range words {
		if strings.IndexByte(w, 0) >= 0 {
			return msgCharacter, nil
		}
	}
	name, args := lower(words[0]), words[1:]
	if i, known := index[name]; known {
		return l.set(i, args), nil
	}
	return l.other(n, stripped, name, words)
}

// set applies a general directive.
func (l *loader) set(i int, args []string) string {
	d := &table[i]
	v, message := d.set(l.vals[i], args)
	if message != "" {
		return message
	}
	switch d.name {
	case "dir":
		if err := l.host.Chdir(v.text); err != nil {
			return err.Error()
		}
	case "proc-title-template":
		trial := newSettings(l.vals)
		trial.ProcTitleTemplate = v.text
		if _, ok := trial.Title("redis-sentinel", l.cfg.File); !ok {
			return msgTitle
		}
	case "oom-score-adj-values":
		l.warnDecreasing(v.list)
	}
	l.vals[i] = v
	l.warnIgnored(d, v)
	return ""
}

// other applies the directives that are not in the table.
//
// Rule: steps 2 to 9 of 1.5.
func (l *loader) other(n int, stripped, name string, words []string) (string, error) {
	args := words[1:]
	switch {
	case len(args) == 1 && isDeprecated(name):
		return "", nil
	case name == "include" && len(args) == 1:
		return l.include(args[0])
	case name == "rename-command" && len(args) == 2:
		return l.rename(args[0], args[1]), nil
	case name == "user" && len(args) >= 1:
		return l.user(words), nil
	case name == "loadmodule" && len(args) >= 1:
		return "", nil
	case strings.Contains(name, "."):
		if len(args) == 0 {
			return msgNoModule, nil
		}
		return "", nil
	case name == "sentinel":
		if len(args) > 0 {
			l.sentinel = append(l.sentinel, sentinelLine{n, stripped, args})
		}
		return "", nil
	}
	return msgBadDirective, nil
}

func isDeprecated(name string) bool {
	return name == "list-max-ziplist-entries" || name == "list-max-ziplist-value" || name == "lua-replicate-commands"
}

// include applies another text in place.
//
// Rule: C-25 to C-29.
func (l *loader) include(name string) (message string, err error) {
	l.included++
	if l.depth == maxIncludeDepth || l.included > maxIncludes {
		return msgInclude, nil
	}
	text, err := l.read(name)
	if err != nil {
		return "", err
	}
	l.depth++
	defer func() { l.depth-- }()
	return "", l.text(string(text))
}

// rename notes a rename-command line.
//
// Rule: C-84.
func (l *loader) rename(from, to string) string {
	old, renamed := lower(from), lower(to)
	if !l.hasCommand(old) {
		return msgNoCommand
	}
	if l.renamed == nil {
		l.renamed = map[string]bool{}
	}
	l.renamed[old] = false
	if to != "" {
		if l.hasCommand(renamed) {
			return msgCommandTaken
		}
		l.renamed[renamed] = true
	}
	l.cfg.Settings.Renames = append(l.cfg.Settings.Renames, Rename{from, to})
	return ""
}

func (l *loader) hasCommand(name string) bool {
	if here, ok := l.renamed[name]; ok {
		return here
	}
	return l.checks.Command == nil || l.checks.Command(name)
}

// user checks a `user` line and keeps it.
//
// Rule: C-80.
func (l *loader) user(words []string) string {
	for _, w := range words {
		if strings.Contains(w, "\n") {
			return msgCharacter
		}
	}
	l.cfg.Users.AllChannels = reader(l.vals).word("acl-pubsub-default") == "allchannels"
	if err := l.cfg.Users.Add(words); err != nil {
		return err.Error()
	}
	if words[1] == acl.DefaultUser {
		l.defaultRules = words[2:]
		l.hasDefault = true
	}
	return ""
}
