package command

import (
	"errors"
	"strings"
)

// Errors of Table.Lookup. ErrorText gives the reply for each.
var (
	ErrUnknownCommand    = errors.New("unknown command")
	ErrUnknownSubcommand = errors.New("unknown subcommand")
	ErrArity             = errors.New("wrong number of arguments")
)

// Errors of Table.Rename, whose texts are those of a configuration error.
//
// Rule: C-84.
var (
	//lint:ignore ST1005 operators see this text as it stands
	ErrNoSuchCommand = errors.New("No such command in rename-command")
	//lint:ignore ST1005 operators see this text as it stands
	ErrTargetExists = errors.New("Target command name already exists")
)

// Table is the set of commands under the names that clients use. It may be
// read by any number of goroutines once Rename is called no more.
type Table struct {
	top     []*Command          // by original name
	byID    []*Command          // every command and subcommand, at its ID
	byName  map[string]*Command // top level, lower case, renames applied
	origin  map[string]*Command // top level, original names
	subs    map[*Command]map[string]*Command
	longest int // bytes of the longest name of byName or subcommand
}

// NewTable gives the table of 7.2.4 with the aliases of Valkey.
//
// Rule: K-1.1, K-2.17.
func NewTable() *Table {
	t := &Table{
		top:    commands(),
		byName: make(map[string]*Command),
		origin: make(map[string]*Command),
		subs:   make(map[*Command]map[string]*Command),
	}
	for _, c := range t.top {
		t.add(c, nil)
		t.byName[c.Name], t.origin[c.Name] = c, c
	}
	for alias, of := range aliases() { // the order does not matter
		t.Original(alias).AliasOf = t.Original(of)
	}
	return t
}

// add completes c, a child of parent, and its own children.
func (t *Table) add(c, parent *Command) {
	c.ID, c.Parent, c.FullName = ID(len(t.byID)), parent, c.Name
	if parent != nil {
		c.FullName = parent.Name + "|" + c.Name
	}
	t.byID = append(t.byID, c)
	t.longest = max(t.longest, len(c.Name))
	if len(c.Subcommands) == 0 {
		return
	}
	t.subs[c] = make(map[string]*Command, len(c.Subcommands))
	for _, sub := range c.Subcommands {
		t.add(sub, c)
		t.subs[c][sub.Name] = sub
	}
}

// Rename gives the command that is now called old the name to; an empty to
// removes it. Names are taken in any case. The command keeps its original name
// in errors and replies.
//
// Rule: C-84, K-1.1.
func (t *Table) Rename(old, to string) error {
	old, to = strings.ToLower(old), strings.ToLower(to)
	c, ok := t.byName[old]
	if !ok {
		return ErrNoSuchCommand
	}
	delete(t.byName, old)
	if to == "" {
		return nil
	}
	if _, taken := t.byName[to]; taken {
		t.byName[old] = c
		return ErrTargetExists
	}
	t.byName[to] = c
	t.longest = max(t.longest, len(to))
	return nil
}

// Lookup finds the command of a request, the subcommand of a container with at
// least two arguments, and checks the number of arguments. With ErrArity the
// command is returned too. args may be empty; nothing is allocated.
//
// Rule: K-1.2 steps 2 and 3.
func (t *Table) Lookup(args [][]byte) (*Command, error) {
	if len(args) == 0 {
		return nil, ErrUnknownCommand
	}
	c := t.find(t.byName, args[0])
	if c == nil {
		return nil, ErrUnknownCommand
	}
	if len(args) > 1 && len(c.Subcommands) > 0 {
		if c = t.find(t.subs[c], args[1]); c == nil {
			return nil, ErrUnknownSubcommand
		}
	}
	if !c.Accepts(len(args)) {
		return c, ErrArity
	}
	return c, nil
}

// find looks a name of any case up without allocating.
func (t *Table) find(in map[string]*Command, name []byte) *Command {
	var buf [64]byte
	lower := buf[:0]
	if len(name) > t.longest {
		return nil
	}
	for _, b := range name {
		lower = append(lower, lowerByte(b))
	}
	return in[string(lower)]
}

// Find gives the command of a current name, or of `parent|sub`, in any case;
// nil if there is none.
//
// Rule: K-1.5, COMMAND INFO is looked up by the new name.
func (t *Table) Find(name string) *Command { return t.resolve(t.byName, name) }

// Original gives the command of an original name, or of `parent|sub`, in any
// case, renames and removals notwithstanding; nil if there is none. ACL rules
// name commands so.
func (t *Table) Original(name string) *Command { return t.resolve(t.origin, name) }

func (t *Table) resolve(in map[string]*Command, name string) *Command {
	parent, sub, nested := strings.Cut(strings.ToLower(name), "|")
	c := in[parent]
	if c == nil || !nested {
		return c
	}
	return t.subs[c][sub]
}

// Top lists the top-level commands that are not removed, in a fixed order. The
// caller may keep the slice.
func (t *Table) Top() []*Command {
	live := make(map[*Command]bool, len(t.byName))
	for _, c := range t.top {
		live[c] = false
	}
	for _, c := range t.byName { // into a set: the order does not matter
		live[c] = true
	}
	out := make([]*Command, 0, len(t.byName))
	for _, c := range t.top {
		if live[c] {
			out = append(out, c)
		}
	}
	return out
}

// All lists every command and subcommand, removed ones too, at the index of
// its ID: parents come before their children. The caller must not change it.
func (t *Table) All() []*Command { return t.byID }
