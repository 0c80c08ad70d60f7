package listener

import (
	"gosentinel/internal/acl"
	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// What one client may subscribe to, in bytes of names and what a name costs
// beside them; beyond it the client is dropped.
const (
	maxSubscribed    = 64 << 20
	subscriptionCost = 128
)

// What one client may have of patterns, each of which the hub has to look at
// when a channel gets its first message; beyond it the client is dropped.
const (
	maxPatterns     = 4096
	maxPatternBytes = 1 << 20
)

// subscriptions are the channels and patterns of a client, in no order.
// Guarded by client.mu; the connection's goroutine alone writes.
type subscriptions struct {
	channels map[string]struct{}
	patterns map[string]struct{}
	bytes    int
	globs    int // bytes of the patterns
}

func (s *subscriptions) count() int { return len(s.channels) + len(s.patterns) }

// subscribeCommand answers SUBSCRIBE and PSUBSCRIBE.
//
// Rule: K-5.
func subscribeCommand(c *client, cmd *command.Command, args [][]byte) {
	mine, pattern := c.topic(cmd)
	for _, arg := range args[1:] {
		name := string(arg)
		if _, there := (*mine)[name]; !there {
			c.mu.Lock()
			if *mine == nil {
				*mine = make(map[string]struct{})
			}
			(*mine)[name] = struct{}{}
			c.subs.bytes += len(name) + subscriptionCost
			over := c.subs.bytes > maxSubscribed
			if pattern {
				c.subs.globs += len(name)
				over = over || c.subs.globs > maxPatternBytes || len(c.subs.patterns) > maxPatterns
			}
			c.mu.Unlock()
			switch {
			case over:
				c.drop()
				return
			case pattern:
				c.s.hub.joinPattern(name, c)
			default:
				c.s.hub.join(name, c)
			}
		}
		if !c.confirm(cmd, resp.Str(name)) {
			return
		}
	}
	// The user's channels may have been taken away since they were looked at, and
	// whoever did so have looked before these were among ours.
	c.s.usersMu.RLock()
	why, _ := c.user.Load().Check(cmd, args)
	c.s.usersMu.RUnlock()
	if why != acl.ReasonNone {
		c.dropping = true
		c.kill()
	}
}

// unsubscribeCommand answers UNSUBSCRIBE and PUNSUBSCRIBE.
//
// Rule: K-5.
func unsubscribeCommand(c *client, cmd *command.Command, args [][]byte) {
	mine, pattern := c.topic(cmd)
	var names []string
	for _, arg := range args[1:] {
		names = append(names, string(arg))
	}
	if len(args) == 1 {
		for name := range *mine {
			names = append(names, name)
		}
		if len(names) == 0 {
			c.confirm(cmd, resp.Value{})
			return
		}
	}
	for _, name := range names {
		if _, there := (*mine)[name]; there {
			if pattern {
				c.s.hub.leavePattern(name, c)
			} else {
				c.s.hub.leave(name, c)
			}
			c.mu.Lock()
			delete(*mine, name)
			c.subs.bytes -= len(name) + subscriptionCost
			if pattern {
				c.subs.globs -= len(name)
			}
			c.mu.Unlock()
		}
		if !c.confirm(cmd, resp.Str(name)) {
			return
		}
	}
}

// topic gives the client's side of what cmd is about, and whether that are
// patterns.
func (c *client) topic(cmd *command.Command) (mine *map[string]struct{}, pattern bool) {
	if cmd == c.s.cmds.psubscribe || cmd == c.s.cmds.punsubscribe {
		return &c.subs.patterns, true
	}
	return &c.subs.channels, false
}

// confirm is the reply per channel or pattern; false if nobody is there any more
// to have it.
func (c *client) confirm(cmd *command.Command, name resp.Value) bool {
	c.tell(pushOf(resp.Str(cmd.Name), name, resp.Int(int64(c.subs.count()))))
	c.flushIfLong()
	return !c.dropping
}
