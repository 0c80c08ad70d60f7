package sentinel

import (
	"slices"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/resp"
)

// maxSetOptions bounds the options of one SENTINEL SET: each is an event, and
// nothing else is done meanwhile. There are far fewer different ones.
const maxSetOptions = 2 * conf.MaxRenames

// Errors of SENTINEL SET (K-2.10).
const (
	textScriptsDenied = "ERR Reconfiguration of scripts path is denied for security reasons. Check the deny-scripts-reconfig configuration directive in your Sentinel configuration"
	textBadNotify     = "ERR Notification script seems non existing or non executable"
	textManyOptions   = "ERR Too many options for SENTINEL SET"
	textBadReconfig   = "ERR Client reconfiguration script seems non existing or non executable"
)

// setOption is one option of SENTINEL SET. apply changes m and returns "", or
// the error text when it changes nothing; o is the option as typed with its
// values.
type setOption struct {
	name   string
	values int
	apply  func(c *Core, m *master, o typedOption, in Request) string
}

// typedOption is an option as the client wrote it.
type typedOption struct {
	name   string
	values []string
}

// bad is the error for one of its values.
func (o typedOption) bad(value string) string {
	return "ERR Invalid argument '" + echo(value) + "' for SENTINEL SET '" + echo(o.name) + "'"
}

// setOptions are those of K-2.10 and the alias of K-2.17.
var setOptions = [...]setOption{
	{"down-after-milliseconds", 1, func(_ *Core, m *master, o typedOption, _ Request) string {
		return o.millis(&m.downAfter, 1)
	}},
	{"failover-timeout", 1, func(_ *Core, m *master, o typedOption, _ Request) string {
		return o.millis(&m.failoverTimeout, 1)
	}},
	{"parallel-syncs", 1, func(_ *Core, m *master, o typedOption, _ Request) string {
		return o.count(&m.parallelSyncs)
	}},
	{"quorum", 1, func(_ *Core, m *master, o typedOption, _ Request) string {
		return o.count(&m.quorum)
	}},
	{"master-reboot-down-after-period", 1, setRebootPeriod},
	{"primary-reboot-down-after-period", 1, setRebootPeriod},
	{"notification-script", 1, func(c *Core, m *master, o typedOption, in Request) string {
		return c.setScript(&m.notifyScript, o, in, textBadNotify)
	}},
	{"client-reconfig-script", 1, func(c *Core, m *master, o typedOption, in Request) string {
		return c.setScript(&m.reconfigScript, o, in, textBadReconfig)
	}},
	{"auth-pass", 1, setAuthPass},
	{"auth-user", 1, setAuthUser},
	{"rename-command", 2, setRename},
}

// set changes options of a master, one after the other: what came before a bad
// one stays, is told and is saved.
//
// Rule: K-2.10.
func (c *Core) set(in Request) {
	m := c.named(in)
	if m == nil {
		return
	}
	if len(in.Args) > 3+3*maxSetOptions {
		c.refuse(in.ID, textManyOptions)
		return
	}
	applied := false
	failed := ""
	for rest := in.Args[3:]; len(rest) > 0 && failed == ""; {
		opt, o := findSetOption(rest)
		if opt == nil {
			failed = "ERR Unknown option or number of arguments for SENTINEL SET '" + echo(o.name) + "'"
			break
		}
		rest = rest[1+opt.values:]
		if slices.ContainsFunc(o.values, isBadText) {
			failed = textBadChar
			break
		}
		if failed = opt.apply(c, m, o, in); failed == "" {
			applied = true
			c.changeMaster(m)
			c.event(LevelWarning, "+set", &m.instance, " "+o.shown())
		}
	}
	m.setRenames(m.renames)
	c.touchMaster(m)
	if failed != "" {
		c.refuse(in.ID, failed)
		return
	}
	if applied {
		c.replySaved(in.ID)
	}
}

// findSetOption reads the option at the head of args; nil if it is unknown or
// lacks values.
func findSetOption(args [][]byte) (*setOption, typedOption) {
	o := typedOption{name: string(args[0])}
	for i := range setOptions {
		opt := &setOptions[i]
		if !strings.EqualFold(opt.name, o.name) || len(args) < 1+opt.values {
			continue
		}
		for _, v := range args[1 : 1+opt.values] {
			o.values = append(o.values, string(v))
		}
		return opt, o
	}
	return nil, o
}

// shown is the option as +set tells it: a password is not shown.
func (o typedOption) shown() string {
	if strings.EqualFold(o.name, "auth-pass") {
		return o.name + " ******"
	}
	return o.name + " " + strings.Join(o.values, " ")
}

func isBadText(s string) bool { return !conf.ValidText(s) }

// millis reads the value as a time of at least low milliseconds.
func (o typedOption) millis(to *time.Duration, low int64) string {
	n, ok := resp.ParseInt(o.values[0])
	if !ok || n < low || n > conf.MaxNumber {
		return o.bad(o.values[0])
	}
	*to = time.Duration(n) * time.Millisecond
	return ""
}

// count reads the value as a positive number.
func (o typedOption) count(to *int) string {
	n, ok := resp.ParseInt(o.values[0])
	if !ok || n < 1 || n > conf.MaxNumber {
		return o.bad(o.values[0])
	}
	*to = int(n)
	return ""
}

func setRebootPeriod(_ *Core, m *master, o typedOption, _ Request) string {
	return o.millis(&m.rebootDownAfter, 0)
}

// setScript changes the path of a script; the empty one unsets it.
func (c *Core) setScript(to *string, o typedOption, in Request, notExecutable string) string {
	path := o.values[0]
	switch {
	case c.denyScripts:
		return textScriptsDenied
	case path != "" && slices.Contains(in.NotExecutable, path):
		return notExecutable
	}
	*to = path
	return ""
}

// ScriptPaths are the paths in a request that its answer depends on being
// executable; nil for most requests. Whoever makes a Request fills
// NotExecutable from it.
//
// Rule: K-2.10.
func ScriptPaths(args [][]byte) []string {
	if len(args) < 5 || !strings.EqualFold(string(args[0]), "sentinel") || !strings.EqualFold(string(args[1]), "set") {
		return nil
	}
	var paths []string
	for rest := args[3:]; len(rest) > 0; {
		opt, o := findSetOption(rest)
		if opt == nil {
			break
		}
		if strings.HasSuffix(opt.name, "-script") && o.values[0] != "" {
			paths = append(paths, o.values[0])
		}
		rest = rest[1+opt.values:]
	}
	return paths
}

func setAuthPass(c *Core, m *master, o typedOption, _ Request) string {
	m.authPass = nil
	if o.values[0] != "" {
		pass := conf.NewSecret(o.values[0])
		m.authPass = &pass
	}
	c.relogin(m)
	return ""
}

func setAuthUser(c *Core, m *master, o typedOption, _ Request) string {
	m.authUser = nil
	if o.values[0] != "" {
		m.authUser = &o.values[0]
	}
	c.relogin(m)
	return ""
}

// relogin closes the connections to which other credentials belong now.
//
// Rule: B-120.
func (c *Core) relogin(m *master) {
	c.closeLink(m.link)
	for _, r := range m.replicas {
		c.closeLink(r.link)
	}
}

// setRename maps a command to another word; the same word twice ends that.
// More commands than there are cannot be renamed.
func setRename(_ *Core, m *master, o typedOption, _ Request) string {
	from, to := o.values[0], o.values[1]
	switch {
	case to == "":
		return o.bad(to)
	case from == "":
		return o.bad(from)
	}
	at := slices.IndexFunc(m.renames, func(r conf.Rename) bool { return equalFold(r.Old, from) })
	switch {
	case at < 0 && equalFold(from, to):
		return ""
	case at < 0 && len(m.renames) >= conf.MaxRenames:
		return o.bad(from)
	}
	if at >= 0 {
		m.renames = slices.Delete(m.renames, at, at+1)
	}
	if !equalFold(from, to) {
		m.renames = append(m.renames, conf.Rename{Old: from, New: to})
	}
	return ""
}
