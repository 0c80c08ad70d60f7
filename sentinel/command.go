package sentinel

import (
	"strings"

	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// Replies of more than one command (K-2).
const (
	textNoMaster  = "ERR No such master with that name"
	textNotSaved  = "ERR Failed to save config file. Check server logs."
	textNotNumber = "ERR value is not an integer or out of range"
	textOnlyHello = "ERR Only HELLO messages are accepted by Sentinel instances."
	textBadChar   = "ERR Invalid character in value."
)

// request carries out a command of a client or a peer and answers it, at once
// or, for MONITOR with a host name, later.
//
// Rule: K-1.2 step 8.
func (c *Core) request(in Request) {
	if len(in.Args) == 0 {
		c.refuse(in.ID, command.UnknownCommandText(in.Args))
		return
	}
	switch name := in.Args[0]; {
	case isWord(name, "sentinel"):
		c.sentinelCommand(in)
	case isWord(name, "role"):
		c.reply(in.ID, c.roleReply())
	case isWord(name, "info"):
		c.reply(in.ID, resp.Str(string(c.infoSection(make([]byte, 0, 256+96*len(c.masters)), c.now.Mono))))
	case isWord(name, "publish"):
		c.publish(in)
	default:
		c.refuse(in.ID, command.UnknownCommandText(in.Args))
	}
}

// isWord reports whether arg is word in any case.
func isWord(arg []byte, word string) bool {
	return len(arg) == len(word) && strings.EqualFold(string(arg), word)
}

// subcommand is one of SENTINEL's: its full arity as in K-1.1, and what it
// does. run finds at least as many arguments as that demands.
type subcommand struct {
	name  string
	arity int
	run   func(c *Core, in Request)
}

// subcommands are those of K-1.1 and their aliases of K-2.17.
var subcommands = [...]subcommand{
	{"get-master-addr-by-name", 3, (*Core).getMasterAddr},
	{"get-primary-addr-by-name", 3, (*Core).getMasterAddr},
	{"is-master-down-by-addr", 6, (*Core).isMasterDown},
	{"is-primary-down-by-addr", 6, (*Core).isMasterDown},
	{"masters", 2, (*Core).showMasters},
	{"primaries", 2, (*Core).showMasters},
	{"master", 3, (*Core).showMaster},
	{"primary", 3, (*Core).showMaster},
	{"replicas", 3, (*Core).showReplicas},
	{"slaves", 3, (*Core).showReplicas},
	{"sentinels", 3, (*Core).showPeers},
	{"ckquorum", 3, (*Core).checkQuorum},
	{"config", -4, (*Core).config},
	{"debug", -2, (*Core).debug},
	{"failover", 3, (*Core).failoverCommand},
	{"flushconfig", 2, (*Core).flushConfig},
	{"help", 2, (*Core).help},
	{"info-cache", -3, (*Core).infoCache},
	{"monitor", 6, (*Core).monitor},
	{"myid", 2, (*Core).showMyID},
	{"pending-scripts", 2, (*Core).pendingScripts},
	{"remove", 3, (*Core).remove},
	{"reset", 3, (*Core).reset},
	{"set", -5, (*Core).set},
	{"simulate-failure", -3, (*Core).simulateFailure},
}

// sentinelCommand looks the subcommand up. The listener has done so before; a
// caller that has not gets its errors.
func (c *Core) sentinelCommand(in Request) {
	if len(in.Args) < 2 {
		c.refuse(in.ID, command.ArityText(&command.Command{FullName: "sentinel"}))
		return
	}
	for i := range subcommands {
		s := &subcommands[i]
		if !isWord(in.Args[1], s.name) {
			continue
		}
		if n := len(in.Args); n != s.arity && (s.arity > 0 || n < -s.arity) {
			c.refuse(in.ID, command.ArityText(&command.Command{FullName: "sentinel|" + s.name}))
			return
		}
		s.run(c, in)
		return
	}
	c.refuse(in.ID, command.UnknownSubcommandText(in.Args))
}

// reply answers; what is not on disk yet is not shown.
func (c *Core) reply(id ReqID, v resp.Value) { c.emit(Respond{ID: id, Value: v}) }

// refuse answers with an error.
func (c *Core) refuse(id ReqID, text string) { c.reply(id, resp.Err(text)) }

// replySaved answers a command that has changed what must be on disk.
//
// Rule: B-1001, C-89.
func (c *Core) replySaved(id ReqID) {
	c.emit(Respond{ID: id, Value: resp.OK, IfNotSaved: resp.Err(textNotSaved)})
}

// named is the master that argument 2 names; nil after the error was answered.
func (c *Core) named(in Request) *master {
	m := c.byName[string(in.Args[2])]
	if m == nil {
		c.refuse(in.ID, textNoMaster)
	}
	return m
}

// publish takes a hello; nothing else may be published to a Sentinel.
//
// Rule: K-5, B-420.
func (c *Core) publish(in Request) {
	switch {
	case len(in.Args) != 3:
		c.refuse(in.ID, command.ArityText(&command.Command{FullName: "publish"}))
	case string(in.Args[1]) != helloChannel:
		c.refuse(in.ID, textOnlyHello)
	default:
		c.receiveHello(in.Args[2], nil)
		c.emitNow(Respond{ID: in.ID, Value: resp.Int(1)}) // it shows nothing that must be on disk (E-40)
	}
}

// help answers with the text of appendix A.
//
// Rule: K-2.16.
func (c *Core) help(in Request) {
	lines := command.Help(&command.Command{Name: "sentinel"}, string(in.Args[0]))
	vs := make([]resp.Value, len(lines))
	for i, line := range lines {
		vs[i] = resp.Status(line)
	}
	c.reply(in.ID, resp.List(vs...))
}

// echo is user input as an error repeats it: up to its first NUL.
//
// Rule: K-0.
func echo(arg string) string {
	s, _, _ := strings.Cut(arg, "\x00")
	return s
}
