package listener

import (
	"slices"
	"sync/atomic"

	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// commandHandlers are COMMAND and its subcommands.
//
// Rule: K-1.5.
func commandHandlers() map[string]handler {
	return map[string]handler{
		"command":                 commandInfo,
		"command|info":            commandInfo,
		"command|count":           commandCount,
		"command|list":            commandList,
		"command|docs":            commandDocs,
		"command|getkeys":         commandGetKeys,
		"command|getkeysandflags": commandGetKeys,
	}
}

// encodings are the descriptions of commands as they go over the wire, made
// when they are first asked for: a request may name one many thousand times.
type encodings [command.MaxCommands][2]atomic.Pointer[[]byte]

func (e *encodings) get(cmd *command.Command, proto int, describe func(*command.Command) resp.Value) []byte {
	at := &e[cmd.ID][proto-2]
	if b := at.Load(); b != nil {
		return *b
	}
	b := resp.Append(nil, proto, describe(cmd))
	at.Store(&b)
	return b
}

// named are the commands that a request names; nil for a name of none. Without
// names it is all.
func (c *client) named(names [][]byte) []*command.Command {
	if len(names) == 0 {
		return c.s.o.Table.Top()
	}
	cmds := make([]*command.Command, len(names))
	for i, name := range names {
		cmds[i] = c.s.o.Table.Find(string(name))
	}
	return cmds
}

func commandInfo(c *client, _ *command.Command, args [][]byte) {
	cmds := c.named(args[min(2, len(args)):])
	p := c.long(0)
	defer p.end()
	p.open(resp.Array, len(cmds))
	for _, cmd := range cmds {
		more := true
		if cmd == nil {
			more = p.add(&resp.Value{})
		} else {
			more = p.encoded(c.s.entries.get(cmd, p.proto, entry))
		}
		if !more {
			return
		}
	}
}

// entry describes a command, and its subcommands, for COMMAND INFO.
func entry(cmd *command.Command) resp.Value {
	set := func(kind resp.Kind, prefix string, names []string) resp.Value {
		v := resp.Value{Kind: resp.Set}
		for _, n := range names {
			v.Elems = append(v.Elems, resp.Value{Kind: kind, Str: prefix + n})
		}
		return v
	}
	subs := resp.Value{Kind: resp.Set}
	if len(cmd.Subcommands) > 0 {
		subs.Kind = resp.Array
	}
	for _, sub := range cmd.Subcommands {
		subs.Elems = append(subs.Elems, entry(sub))
	}
	return resp.List(
		resp.Str(cmd.FullName), resp.Int(int64(cmd.Arity)), set(resp.Simple, "", cmd.Flags.Names()),
		resp.Int(0), resp.Int(0), resp.Int(0),
		set(resp.Simple, "@", cmd.Categories.Names()), set(resp.Bulk, "", cmd.Tips),
		resp.Value{Kind: resp.Set}, subs,
	)
}

func commandCount(c *client, _ *command.Command, _ [][]byte) {
	c.say(resp.Int(int64(len(c.s.o.Table.Top()))))
}

func commandList(c *client, _ *command.Command, args [][]byte) {
	keep := func(*command.Command) bool { return true }
	switch {
	case len(args) == 2:
	case len(args) != 5 || !is(args[2], "filterby"):
		c.say(syntaxError())
		return
	case is(args[3], "module"):
		keep = func(*command.Command) bool { return false }
	case is(args[3], "aclcat"):
		cat, _ := command.ParseCategory(string(args[4]))
		keep = func(cmd *command.Command) bool { return cmd.Categories&cat != 0 }
	case is(args[3], "pattern"):
		pattern := string(args[4])
		keep = func(cmd *command.Command) bool { return command.Glob(pattern, cmd.FullName, true) }
	default:
		c.say(syntaxError())
		return
	}
	list := resp.List()
	for _, top := range c.s.o.Table.Top() {
		for _, cmd := range append([]*command.Command{top}, top.Subcommands...) {
			if keep(cmd) {
				list.Elems = append(list.Elems, resp.Str(cmd.FullName))
			}
		}
	}
	c.say(list)
}

func commandGetKeys(c *client, _ *command.Command, args [][]byte) {
	cmd, err := c.s.o.Table.Lookup(args[2:])
	if cmd == nil && err != nil {
		c.say(resp.Err("ERR Invalid command specified"))
		return
	}
	c.say(resp.Err("ERR The command has no key arguments"))
}

func commandDocs(c *client, _ *command.Command, args [][]byte) {
	cmds := slices.DeleteFunc(c.named(args[2:]), func(cmd *command.Command) bool { return cmd == nil })
	p := c.long(0)
	defer p.end()
	p.open(resp.Map, 2*len(cmds))
	for _, cmd := range cmds {
		name := resp.Str(cmd.FullName)
		if !p.add(&name) || !p.encoded(c.s.docs.get(cmd, p.proto, docs)) {
			return
		}
	}
}

// docs describes a command for COMMAND DOCS.
func docs(cmd *command.Command) resp.Value {
	d, m := &cmd.Docs, resp.Pairs()
	text := func(key, value string) {
		if value != "" {
			m.Elems = append(m.Elems, resp.Str(key), resp.Str(value))
		}
	}
	text("summary", d.Summary)
	text("since", d.Since)
	text("group", d.Group)
	text("complexity", d.Complexity)
	m.Elems = append(m.Elems, words("doc_flags", d.DocFlags)...)
	text("deprecated_since", d.DeprecatedSince)
	text("replaced_by", d.ReplacedBy)
	if len(d.History) > 0 {
		history := resp.Value{Kind: resp.Set}
		for _, h := range d.History {
			history.Elems = append(history.Elems, resp.List(resp.Str(h.Version), resp.Str(h.Text)))
		}
		m.Elems = append(m.Elems, resp.Str("history"), history)
	}
	if len(d.Arguments) > 0 {
		m.Elems = append(m.Elems, resp.Str("arguments"), arguments(d.Arguments))
	}
	if len(cmd.Subcommands) > 0 {
		subs := resp.Pairs()
		for _, sub := range cmd.Subcommands {
			subs.Elems = append(subs.Elems, resp.Str(sub.FullName), docs(sub))
		}
		m.Elems = append(m.Elems, resp.Str("subcommands"), subs)
	}
	return m
}

func words(key string, list []string) []resp.Value {
	if len(list) == 0 {
		return nil
	}
	set := resp.Value{Kind: resp.Set}
	for _, w := range list {
		set.Elems = append(set.Elems, resp.Status(w))
	}
	return []resp.Value{resp.Str(key), set}
}

func arguments(args []command.Argument) resp.Value {
	list := resp.List()
	for i := range args {
		a, m := &args[i], resp.Pairs()
		for _, f := range [][2]string{
			{"name", a.Name}, {"type", string(a.Type)}, {"display_text", a.DisplayText},
			{"token", a.Token}, {"since", a.Since}, {"deprecated_since", a.DeprecatedSince},
		} {
			if f[1] != "" {
				m.Elems = append(m.Elems, resp.Str(f[0]), resp.Str(f[1]))
			}
		}
		m.Elems = append(m.Elems, words("flags", a.Flags)...)
		if len(a.Arguments) > 0 {
			m.Elems = append(m.Elems, resp.Str("arguments"), arguments(a.Arguments))
		}
		list.Elems = append(list.Elems, m)
	}
	return list
}
