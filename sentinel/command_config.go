package sentinel

import (
	"slices"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

const textOnlyConfig = "ERR Only SENTINEL CONFIG GET <param> [<param> <param> ...]/ SET <param> <value> [<param> <value> ...] are supported."

// setting is a key of SENTINEL CONFIG. valid tells whether a value may be set,
// nil accepts any; text says that it is to be one that the file can hold. set carries it out, after all values were found valid.
type setting struct {
	name  string
	get   func(c *Core) string
	valid func(value string) bool
	text  bool
	set   func(c *Core, value string)
}

// settings are those of K-2.11, in the order of replies.
var settings = [...]setting{
	{"resolve-hostnames", func(c *Core) string { return yesNo(c.resolveHostnames) }, isYesNo, false,
		func(c *Core, v string) { c.resolveHostnames = equalFold(v, "yes") }},
	{"announce-hostnames", func(c *Core) string { return yesNo(c.announceHostnames) }, isYesNo, false,
		func(c *Core, v string) { c.announceNames(equalFold(v, "yes")) }},
	{"announce-ip", func(c *Core) string { return c.announceIP }, isAnnounceIP, true,
		func(c *Core, v string) { c.announceIP = v }},
	{"announce-port", func(c *Core) string { return itoa(c.announcePort) }, isPort, false,
		func(c *Core, v string) {
			n, _ := resp.ParseInt(v)
			c.announcePort = int(n)
		}},
	{"sentinel-user", func(c *Core) string { return c.peerUser }, nil, true,
		func(c *Core, v string) { c.peerUser = v }},
	{"sentinel-pass", func(c *Core) string { return c.peerPass.Reveal() }, nil, true,
		func(c *Core, v string) { c.peerPass = conf.NewSecret(v) }},
	{"loglevel", func(c *Core) string { return strings.ToLower(c.logLevel) }, isLogLevel, false,
		func(c *Core, v string) {
			c.logLevel = strings.ToLower(v)
			c.emit(SetLogLevel{Level: c.logLevel})
		}},
}

func findSetting(name string) int {
	return slices.IndexFunc(settings[:], func(s setting) bool { return equalFold(s.name, name) })
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func isYesNo(v string) bool { return equalFold(v, "yes") || equalFold(v, "no") }

// isAnnounceIP tells whether others can read the hellos that carry it; "" ends
// that one is announced.
func isAnnounceIP(v string) bool { return v == "" || conf.ValidHost(v) }

func isPort(v string) bool {
	n, ok := resp.ParseInt(v)
	return ok && n >= 0 && n <= 65535
}

func isLogLevel(v string) bool {
	return slices.Contains([]string{"debug", "verbose", "notice", "warning", "nothing"}, strings.ToLower(v))
}

// config reads or changes settings.
//
// Rule: K-2.11, C-88.
func (c *Core) config(in Request) {
	switch verb := strings.ToLower(string(in.Args[2])); {
	case verb == "get":
		c.configGet(in)
	case verb == "set" && len(in.Args) > 4:
		c.configSet(in)
	default:
		c.refuse(in.ID, textOnlyConfig)
	}
}

// configGet gives every key that matches a pattern once.
func (c *Core) configGet(in Request) {
	var out []resp.Value
	var done [len(settings)]bool
	for _, pattern := range in.Args[3:] {
		for i, s := range settings {
			if !done[i] && command.Glob(string(pattern), s.name, true) {
				done[i] = true
				out = append(out, resp.Str(s.name), resp.Str(s.get(c)))
			}
		}
	}
	c.reply(in.ID, resp.Pairs(out...))
}

// configSet checks all pairs, then applies all, with one write.
func (c *Core) configSet(in Request) {
	var chosen [len(settings)]bool
	for i := 3; i < len(in.Args); i += 2 {
		name := string(in.Args[i])
		k := findSetting(name)
		switch {
		case k < 0:
			c.refuse(in.ID, "ERR Invalid argument '"+echo(name)+"' to SENTINEL CONFIG SET")
			return
		case chosen[k]:
			c.refuse(in.ID, "ERR Duplicate argument '"+echo(name)+"' to SENTINEL CONFIG SET")
			return
		case i+1 == len(in.Args):
			c.refuse(in.ID, "ERR Missing argument '"+echo(name)+"' value")
			return
		}
		chosen[k] = true
		value := string(in.Args[i+1])
		switch s := settings[k]; {
		case s.text && isBadText(value):
			c.refuse(in.ID, textBadChar)
			return
		case s.valid != nil && !s.valid(value):
			c.refuse(in.ID, "ERR Invalid value '"+echo(value)+"' to SENTINEL CONFIG SET '"+echo(name)+"'")
			return
		}
	}
	if key, value := c.unloadable(in.Args); key != "" {
		c.refuse(in.ID, "ERR Invalid value '"+echo(value)+"' to SENTINEL CONFIG SET '"+echo(key)+"'")
		return
	}
	user, pass, told := c.peerUser, c.peerPass, c.announced()
	c.change()
	for i := 3; i < len(in.Args); i += 2 {
		settings[findSetting(string(in.Args[i]))].set(c, string(in.Args[i+1]))
	}
	c.replySaved(in.ID)
	if user != c.peerUser || pass != c.peerPass {
		c.reloginPeers()
	}
	if told != c.announced() {
		c.movedAt = c.now.Mono
		for _, m := range c.masters {
			c.helloAll(m)
		}
	}
}

// unloadable finds the pair of a CONFIG SET, all of them valid, that would leave
// names in the file that are not to be resolved: such a file does not load.
//
// Rule: R-3, C-56.
func (c *Core) unloadable(args [][]byte) (key, value string) {
	resolve, announce := c.resolveHostnames, c.announceHostnames
	for i := 3; i < len(args); i += 2 {
		k, v := string(args[i]), string(args[i+1])
		switch on := equalFold(v, "yes"); {
		case equalFold(k, "resolve-hostnames"):
			resolve = on
		case equalFold(k, "announce-hostnames"):
			announce = on
		default:
			continue
		}
		key, value = k, v
	}
	if key == "" || resolve {
		return "", ""
	}
	named := false
	for _, m := range c.masters {
		m.eachInstance(func(i *instance) { named = named || !isLiteral(i.addr.Shown(announce)) })
	}
	if !named {
		return "", ""
	}
	return key, value
}

// announced is what hellos depend on.
func (c *Core) announced() [3]string {
	return [...]string{c.announceIP, itoa(c.announcePort), yesNo(c.announceHostnames)}
}

// announceNames changes the form of all addresses that are shown and saved.
//
// Rule: B-1121.
func (c *Core) announceNames(names bool) {
	if c.announceHostnames == names {
		return
	}
	c.announceHostnames = names
	for _, m := range c.masters {
		m.saved = nil
		c.show(m)
	}
}

// reloginPeers closes all connections to peers, to which other credentials
// belong now.
//
// Rule: B-120.
func (c *Core) reloginPeers() {
	for _, m := range c.masters {
		for _, p := range m.peers {
			c.closeLink(p.link)
		}
	}
}

// debug lists the periods, or changes some. They are not saved, and what comes
// before a bad one stays.
//
// Rule: K-2.12.
func (c *Core) debug(in Request) {
	rest := in.Args[2:]
	if len(rest) == 0 {
		out := make([]resp.Value, 0, 2*len(paramTable))
		for _, p := range paramTable {
			out = append(out, resp.Str(p.name), resp.Str(itoa(int(ms(*p.at(&c.params))))))
		}
		c.reply(in.ID, resp.Pairs(out...))
		return
	}
	defer c.touchEverything()
	for ; len(rest) > 0; rest = rest[2:] {
		name := string(rest[0])
		k := slices.IndexFunc(paramTable[:], func(p param) bool { return equalFold(p.name, name) })
		if k < 0 || len(rest) < 2 {
			c.refuse(in.ID, "ERR Unknown option or number of arguments for SENTINEL DEBUG '"+echo(name)+"'")
			return
		}
		n, ok := resp.ParseInt(rest[1])
		if !ok || n < 1 || n > conf.MaxNumber {
			c.refuse(in.ID, "ERR Invalid argument '"+echo(string(rest[1]))+"' for SENTINEL DEBUG '"+echo(name)+"'")
			return
		}
		*paramTable[k].at(&c.params) = time.Duration(n) * time.Millisecond
	}
	c.reply(in.ID, resp.OK)
}

// touchEverything derives every deadline anew.
func (c *Core) touchEverything() {
	for _, m := range c.masters {
		c.touchMaster(m)
	}
	c.touch(&c.scripts)
}
