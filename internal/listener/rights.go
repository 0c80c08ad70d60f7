package listener

import (
	"time"

	"gosentinel/internal/acl"
	"gosentinel/internal/command"
)

// noAuthText is the error of somebody who has to authenticate first.
//
// Rule: K-1.3.
const noAuthText = "NOAUTH Authentication required."

// forbidden is the error of a request that may not run now, "" if it may.
//
// Rule: K-1.2 steps 4 to 6.
func (c *client) forbidden(cmd *command.Command, args [][]byte) string {
	if !c.mayTalk() && cmd.Flags&command.NoAuth == 0 {
		return noAuthText
	}
	if !c.allowed(cmd, args) {
		return c.denied(cmd, args)
	}
	if c.info.proto == 2 && c.subs.count() > 0 && !c.s.cmds.whileSubscribed(cmd) {
		return command.SubscribedText(cmd)
	}
	return ""
}

// whileSubscribed tells whether a subscribed RESP2 connection may run cmd.
//
// Rule: K-5.
func (k *known) whileSubscribed(cmd *command.Command) bool {
	switch cmd {
	case k.ping, k.subscribe, k.psubscribe, k.unsubscribe, k.punsubscribe:
		return true
	}
	return false
}

// mayTalk tells whether the client need not authenticate (any more).
func (c *client) mayTalk() bool { return c.authenticated.Load() || c.s.open.Load() }

// rights remembers which commands the user may run whatever their arguments, as
// long as neither the users nor the client's user change.
type rights struct {
	version uint64
	user    *login
	known   [command.MaxCommands]bool
	allowed [command.MaxCommands]bool
	over    bool // the user is gone
}

// over tells whether the session has ended though its connection may not know
// yet: it was killed, or its user is no longer one.
//
// Rule: K-6.4.
func (c *client) over() bool {
	r, user, version := &c.rights, c.user.Load(), c.s.aclVersion.Load()
	if r.version != version || r.user != user {
		c.s.usersMu.RLock()
		*r = rights{version: version, user: user, over: user.gone(c.s.o.Users)}
		c.s.usersMu.RUnlock()
	}
	return r.over || c.killed.Load()
}

// allowed tells whether the client's user may run the request.
func (c *client) allowed(cmd *command.Command, args [][]byte) bool {
	if c.over() {
		return false
	}
	r, user := &c.rights, c.rights.user
	if r.known[cmd.ID] {
		return r.allowed[cmd.ID]
	}
	c.s.usersMu.RLock()
	why, _ := user.Check(cmd, args)
	lasting := user.ByCommandAlone(cmd)
	c.s.usersMu.RUnlock()
	r.known[cmd.ID], r.allowed[cmd.ID] = lasting, why == acl.ReasonNone
	return why == acl.ReasonNone
}

// denied logs a refusal and gives its error.
//
// Rule: K-1.3, K-6.4.
func (c *client) denied(cmd *command.Command, args [][]byte) string {
	c.setLast(cmd)
	user, line := c.user.Load(), c.logLine()
	c.s.usersMu.Lock()
	defer c.s.usersMu.Unlock()
	why, arg := user.Check(cmd, args)
	if why == acl.ReasonNone {
		why = acl.ReasonCommand // the session has ended, or was given the right in this moment
	}
	object := cmd.FullName
	switch why {
	case acl.ReasonChannel:
		object = string(args[arg])
		c.s.stats.deniedChan.Add(1)
	default:
		c.s.stats.deniedCmd.Add(1)
	}
	c.s.aclLog.Add(time.Now().UnixMilli(), why, object, user.name, line)
	return acl.DeniedText(user.User, cmd, why)
}
