package listener

import "gosentinel/internal/command"

// fastPathNames are those that may be answered where they are read: without
// redcon, and without the loop.
var fastPathNames = []string{
	"ping", "sentinel|get-master-addr-by-name", "sentinel|get-primary-addr-by-name", "info", "role",
	"sentinel|masters", "sentinel|primaries", "sentinel|master", "sentinel|primary",
	"sentinel|replicas", "sentinel|slaves", "sentinel|sentinels", "sentinel|ckquorum", "sentinel|myid",
}

// fastPathCommands marks them at their IDs.
func fastPathCommands(t *command.Table) (list [command.MaxCommands]bool) {
	for _, name := range fastPathNames {
		list[t.Original(name).ID] = true
	}
	return list
}

// fastPath answers a request on the spot if it is PING, a question to the View or
// one that a look at the core answers, and nothing keeps it from being answered.
func (c *client) fastPath(args [][]byte) bool {
	cmd, err := c.lookup(args)
	if err != nil || !c.s.fastPath[cmd.ID] {
		return false
	}
	if !c.mayTalk() || c.tracking.caching || c.subs.count() > 0 || c.owesReplies() || c.s.pause.active() || c.stale() || !c.allowed(cmd, args) {
		return false
	}
	switch cmd {
	case c.s.cmds.ping:
		if len(args) > 2 {
			return false
		}
		c.pong(args)
	case c.s.cmds.view, c.s.cmds.primaryView:
		c.viewReply(args[2])
	default:
		if c.muted || c.skip > 0 || !c.look(cmd, args) {
			return false
		}
	}
	c.ran(cmd)
	return true
}

// look answers by a look at the core; false if the loop has to answer.
func (c *client) look(cmd *command.Command, args [][]byte) bool {
	from, ok := len(c.reply), false
	if cmd == c.s.cmds.info {
		ok = c.lookInfo(args)
	} else {
		c.reply, ok = c.s.o.Backend.Look(c.reply, byOriginalName(cmd, args), c.info.proto)
	}
	if ok && c.reply[from] == '-' {
		c.s.stats.errors.Add(1)
	}
	return ok
}
