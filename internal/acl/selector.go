package acl

import (
	"slices"
	"strings"

	"gosentinel/internal/command"
)

// MaxRules bounds each kind of rule of one selector (key patterns, channel
// patterns, command rules) and the passwords and selectors of one user. The
// original has no such limit; ours keeps a single request from costing its
// square.
const MaxRules = 4096

// bits is a set of command IDs.
type bits [command.MaxCommands / 64]uint64

func (b *bits) has(id command.ID) bool { return b[id/64]>>(id%64)&1 != 0 }

func (b *bits) put(id command.ID, on bool) {
	if on {
		b[id/64] |= 1 << (id % 64)
	} else {
		b[id/64] &^= 1 << (id % 64)
	}
}

// access is how a key pattern may be used.
type access uint8

const (
	readKeys access = 1 << iota
	writeKeys
)

// keyPattern is a pattern of keys. Sentinel's commands have no keys: it is
// kept to be shown.
type keyPattern struct {
	access  access
	pattern string
}

func (k keyPattern) String() string {
	switch k.access {
	case readKeys:
		return "%R~" + k.pattern
	case writeKeys:
		return "%W~" + k.pattern
	}
	return "~" + k.pattern
}

// selector is one set of permissions: a user's own, or an extra one in
// parentheses. A request is allowed if one selector allows all of it.
type selector struct {
	everything  bool                    // the last of +@all and -@all was +@all
	allowed     bits                    // commands, but for aliases: these have the permission of their originals
	rules       []string                // command rules since then, as shown
	firstArgs   map[command.ID][]string // lower case; of commands not in allowed
	allKeys     bool
	keys        []keyPattern
	allChannels bool
	channels    []string
}

// clone gives a copy that shares nothing that changes.
func (s *selector) clone() selector {
	c := *s
	c.rules = slices.Clone(s.rules)
	c.keys = slices.Clone(s.keys)
	c.channels = slices.Clone(s.channels)
	c.firstArgs = make(map[command.ID][]string, len(s.firstArgs))
	for id, args := range s.firstArgs { // into a map again: the order does not matter
		c.firstArgs[id] = slices.Clone(args)
	}
	return c
}

// apply applies one rule of a selector.
//
// Rule: K-6.4.
func (s *selector) apply(table *command.Table, rule string) error {
	switch strings.ToLower(rule) {
	case "allkeys", "~*":
		s.allKeys, s.keys = true, nil
		return nil
	case "resetkeys":
		s.allKeys, s.keys = false, nil
		return nil
	case "allchannels", "&*":
		s.allChannels, s.channels = true, nil
		return nil
	case "resetchannels":
		s.allChannels, s.channels = false, nil
		return nil
	case "allcommands", "+@all":
		s.setAll(table, true)
		return nil
	case "nocommands", "-@all":
		s.setAll(table, false)
		return nil
	case "":
		return ErrSyntax
	}
	switch rule[0] {
	case '~', '%':
		return s.addKeys(rule)
	case '&':
		return s.addChannels(rule[1:])
	case '+', '-':
		return s.addCommand(table, rule[1:], rule[0] == '+')
	}
	return ErrSyntax
}

// addKeys takes `~pattern` or `%RW~pattern`. A `%` rule may lack its tilde, as
// in the original; the pattern is then empty.
func (s *selector) addKeys(rule string) error {
	if s.allKeys {
		return ErrAllKeys
	}
	k := keyPattern{access: readKeys | writeKeys, pattern: rule[1:]}
	if rule[0] == '%' {
		letters, pattern, _ := strings.Cut(rule[1:], "~")
		k = keyPattern{pattern: pattern}
		for _, letter := range strings.ToUpper(letters) {
			one := readKeys
			switch letter {
			case 'R':
			case 'W':
				one = writeKeys
			default:
				return ErrSyntax
			}
			if k.access&one != 0 {
				return ErrSyntax
			}
			k.access |= one
		}
		if k.access == 0 {
			return ErrSyntax
		}
	}
	if hasBlank(k.pattern) {
		return ErrSyntax
	}
	for i := range s.keys {
		if s.keys[i].pattern == k.pattern {
			s.keys[i].access |= k.access
			return nil
		}
	}
	if len(s.keys) == MaxRules {
		return ErrTooMany
	}
	s.keys = append(s.keys, k)
	return nil
}

func (s *selector) addChannels(pattern string) error {
	switch {
	case s.allChannels:
		return ErrAllChannels
	case hasBlank(pattern):
		return ErrSyntax
	case slices.Contains(s.channels, pattern):
		return nil
	case len(s.channels) == MaxRules:
		return ErrTooMany
	}
	s.channels = append(s.channels, pattern)
	return nil
}

// addCommand takes what stands behind `+` or `-`, but for `@all`.
func (s *selector) addCommand(table *command.Table, what string, allow bool) error {
	if category, ok := strings.CutPrefix(what, "@"); ok {
		cat, known := command.ParseCategory(category)
		if !known {
			return ErrUnknown
		}
		if err := s.remember(what, allow); err != nil {
			return err
		}
		for _, c := range table.All() {
			if c.Categories&cat != 0 {
				s.set(c, allow)
			}
		}
		return nil
	}
	if c := table.Original(what); c != nil {
		if c.AliasOf != nil {
			c = c.AliasOf
			what = c.FullName // an original knows no other, and one rule must not hide another
		}
		if err := s.remember(what, allow); err != nil {
			return err
		}
		s.set(c, allow)
		return nil
	}
	if !allow {
		return ErrUnknown
	}
	return s.addFirstArg(table, what)
}

// addFirstArg takes `command|argument`, which allows a command with this
// argument only.
func (s *selector) addFirstArg(table *command.Table, what string) error {
	bar := strings.LastIndexByte(what, '|')
	if bar < 0 {
		return ErrUnknown
	}
	c, arg := table.Original(what[:bar]), strings.ToLower(what[bar+1:])
	switch {
	case c == nil:
		return ErrUnknown
	case c.Parent != nil:
		return ErrFirstArg
	case arg == "" || hasBlank(arg):
		return ErrSyntax // a blank would break the line that this rule is kept in
	case len(c.Subcommands) > 0:
		return ErrUnknown
	}
	if err := s.remember(what, true); err != nil {
		return err
	}
	if !slices.Contains(s.firstArgs[c.ID], arg) {
		if s.firstArgs == nil {
			s.firstArgs = make(map[command.ID][]string)
		}
		s.firstArgs[c.ID] = append(s.firstArgs[c.ID], arg)
	}
	return nil
}

// setAll allows or forbids every command and forgets all rules before.
func (s *selector) setAll(table *command.Table, allow bool) {
	s.everything, s.allowed, s.rules, s.firstArgs = allow, bits{}, nil, nil
	if allow {
		for _, c := range table.All() {
			s.allowed.put(c.ID, true)
		}
	}
}

// set allows or forbids a command with its subcommands.
func (s *selector) set(c *command.Command, allow bool) {
	s.allowed.put(c.Canonical().ID, allow)
	delete(s.firstArgs, c.ID)
	for _, sub := range c.Subcommands {
		s.set(sub, allow)
	}
}

// remember keeps a command rule for the text of the selector, in place of
// earlier ones for the same command, its subcommands or the same category.
func (s *selector) remember(what string, allow bool) error {
	what = strings.ToLower(what)
	s.rules = slices.DeleteFunc(s.rules, func(old string) bool {
		rest, same := strings.CutPrefix(old[1:], what)
		return same && (rest == "" || rest[0] == '|')
	})
	if len(s.rules) == MaxRules {
		return ErrTooMany
	}
	sign := "-"
	if allow {
		sign = "+"
	}
	s.rules = append(s.rules, sign+what)
	return nil
}

// check tells whether the selector allows a request. See User.Check.
func (s *selector) check(c *command.Command, args [][]byte) (why Reason, arg int) {
	if !s.allowed.has(c.Canonical().ID) && !s.allowsFirstArg(c, args) {
		return ReasonCommand, 0
	}
	if s.allChannels || c.Flags&command.PubSub == 0 {
		return ReasonNone, 0
	}
	last := len(args)
	switch c.Name {
	case "publish":
		last = min(last, 2)
	case "subscribe", "psubscribe":
	default:
		return ReasonNone, 0
	}
	for i := 1; i < last; i++ {
		if !allowsChannel(s, args[i], c.Name == "psubscribe") {
			return ReasonChannel, i
		}
	}
	return ReasonNone, 0
}

// byCommandAlone tells whether check does not look at the arguments of c.
func (s *selector) byCommandAlone(c *command.Command) bool {
	return c.Flags&command.PubSub == 0 && len(s.firstArgs[c.ID]) == 0
}

func (s *selector) allowsFirstArg(c *command.Command, args [][]byte) bool {
	if len(args) < 2 {
		return false
	}
	for _, want := range s.firstArgs[c.ID] {
		if equalFold(want, args[1]) {
			return true
		}
	}
	return false
}

// allowsChannel tells whether a channel, or, literally, a pattern of PSUBSCRIBE, is
// in the list.
func allowsChannel[T string | []byte](s *selector, channel T, literal bool) bool {
	if s.allChannels {
		return true
	}
	for _, pattern := range s.channels {
		if literal && pattern == string(channel) || !literal && command.Glob(pattern, channel, false) {
			return true
		}
	}
	return false
}

// commandText, keyText and channelText are the parts of the text of a
// selector, as ACL GETUSER gives them.
func (s *selector) commandText() string {
	base := "-@all"
	if s.everything {
		base = "+@all"
	}
	return strings.Join(append([]string{base}, s.rules...), " ")
}

func (s *selector) keyText() string {
	if s.allKeys {
		return "~*"
	}
	texts := make([]string, len(s.keys))
	for i, k := range s.keys {
		texts[i] = k.String()
	}
	return strings.Join(texts, " ")
}

func (s *selector) channelText() string {
	if s.allChannels {
		return "&*"
	}
	texts := make([]string, len(s.channels))
	for i, pattern := range s.channels {
		texts[i] = "&" + pattern
	}
	return strings.Join(texts, " ")
}

// text is the whole selector in the form of a `user` line.
//
// Rule: C-98.
func (s *selector) text() string {
	var parts []string
	if keys := s.keyText(); keys != "" {
		parts = append(parts, keys)
	}
	if !s.allChannels {
		parts = append(parts, "resetchannels")
	}
	if channels := s.channelText(); channels != "" {
		parts = append(parts, channels)
	}
	return strings.Join(append(parts, s.commandText()), " ")
}

// hasBlank tells whether s holds white space or a NUL, which no rule or name
// may.
func hasBlank(s string) bool { return strings.ContainsAny(s, " \t\n\v\f\r\x00") }

// equalFold compares ASCII letters in any case; lower is in lower case.
func equalFold(lower string, b []byte) bool {
	if len(lower) != len(b) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if lower[i] != c {
			return false
		}
	}
	return true
}
