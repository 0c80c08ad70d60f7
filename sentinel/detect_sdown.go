package sentinel

import (
	"strings"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/replication"
)

// pong takes any reply to a PING.
//
// Rule: B-303, B-304, B-305.
func (c *Core) pong(l *link, v resp.Value) {
	now := c.now.Mono
	l.lastReply = now
	if v.Kind != resp.Simple && v.Kind != resp.Error {
		return
	}
	pong := strings.HasPrefix(v.Str, "PONG")
	// It has just become well: what it is may have changed while it could not tell.
	if pong && l.unwell {
		for _, i := range l.users {
			c.askAnew(i)
		}
	}
	l.unwell = !pong
	switch {
	case pong || strings.HasPrefix(v.Str, "LOADING") || strings.HasPrefix(v.Str, "MASTERDOWN"):
		l.smoothRTT(now - l.lastPing)
		l.lastOK, l.okStall, l.waits = now, c.stalled, false
		c.touch(l) // its next PING is due later than a repetition of this one was
		// LOADING does not end a reboot: until PONG its data may be gone (B-313).
		if i := l.users[0]; pong && i.kind == kindMaster {
			i.of.rebooted = false
		}
		// The usual case, and it may have thousands of users.
		if l.downs == 0 {
			return
		}
		for _, i := range l.users {
			if i.sdown {
				c.touch(i)
			}
		}
	// A script that runs too long makes a master look dead: end it, once for each
	// time that it is down, as the original does.
	case strings.HasPrefix(v.Str, "BUSY"):
		if i := l.users[0]; i.kind != kindPeer && i.sdown && !i.killSent {
			i.killSent = true
			c.sendNow(&l.cmd, pending{}, []string{l.word("SCRIPT"), "KILL"})
		}
	}
}

// smoothRTT takes a round trip into the average; a stall of ours is no round
// trip, so it counts for at most a second.
func (l *link) smoothRTT(r time.Duration) {
	r = min(r, time.Second)
	if l.rtt == 0 {
		l.rtt = r
		return
	}
	l.rtt = (7*l.rtt + r) / 8
}

// silence is how long the instance behind l has owed an answer. Clocks count
// from the end of our own last stall at the earliest.
//
// Rule: B-310, R-18.
func (l *link) silence(c *Core) time.Duration {
	if !l.waits && l.cmd.state != connClosed || l.unseen && l.downs == 0 {
		return 0
	}
	return c.now.Mono - l.silentSince(c)
}

// silentSince is from when a silence counts, our own stalls left out.
//
// Rule: B-310, R-18.
func (l *link) silentSince(c *Core) time.Duration {
	since, stall := l.lastOK, l.okStall
	if l.waits {
		since, stall = l.pendingSince, l.pendingStall
	}
	return max(since+c.stalled-stall, c.lateTick)
}

// isDown reports whether i is subjectively down now.
//
// Rule: B-311.
func (c *Core) isDown(i *instance) bool {
	now, m := c.now.Mono, i.of
	if i.link.silence(c) > m.downAfter {
		return true
	}
	if i.kind != kindMaster {
		return false
	}
	// A master that says that it is a replica is no master, however well it answers.
	if i.role == replication.Replica && now-i.roleSince > m.downAfter+2*c.params.infoPeriod {
		return true
	}
	return m.rebooted && m.rebootDownAfter > 0 && now-m.rebootedAt > m.rebootDownAfter
}

// downDue is when isDown may turn true at the earliest.
func (c *Core) downDue(i *instance) time.Duration {
	if c.tilt || i.sdown {
		return farAway
	}
	m, l := i.of, i.link
	// Nothing is owed now; whatever begins to be touches the instance. Later than
	// this it need not be looked at.
	due := c.now.Mono + m.downAfter + 1
	if (l.waits || l.cmd.state == connClosed) && !(l.unseen && l.downs == 0) {
		due = l.silentSince(c) + m.downAfter + 1
	}
	if i.kind != kindMaster {
		return due
	}
	if i.role == replication.Replica {
		due = min(due, i.roleSince+m.downAfter+2*c.params.infoPeriod+1)
	}
	if m.rebooted && m.rebootDownAfter > 0 {
		due = min(due, m.rebootedAt+m.rebootDownAfter+1)
	}
	return due
}

// judgeDown sets or clears SDOWN.
//
// Rule: B-312, B-803.
func (c *Core) judgeDown(i *instance) {
	if c.tilt {
		return
	}
	down := c.isDown(i)
	if down == i.sdown {
		return
	}
	// The count lets a PONG pass without a look at each of thousands of users.
	i.sdown = down
	if down {
		i.link.downs++
		i.sdownSince = c.now.Mono
		c.eventNow(LevelWarning, "+sdown", i, "")
	} else {
		i.link.downs--
		i.killSent = false
		// Back as a master, say, that it is no more: that is to be seen now, not in ten seconds
		// (W-12).
		c.askAnew(i)
		c.eventNow(LevelWarning, "-sdown", i, "")
	}
	if down {
		c.renewSilentLink(i)
	}
	if i.kind == kindMaster && down {
		c.masterWentDown(i.of)
	}
	c.touch(&i.of.node)
}

// renewSilentLink opens the connections of an instance that has just been
// found silent anew, once, however young they are: after a partition TCP may
// take seconds to try an old connection again, a new one is tried each second.
// The first of them at once: a process that was only stopped answers on it the
// moment it goes on, which may be before it is failed over.
//
// Rule: B-116, but for its 15 s, E-34.
func (c *Core) renewSilentLink(i *instance) {
	l := i.link
	if l.cmd.state != connUp || !l.waits || c.now.Mono-l.lastReply <= i.of.downAfter/2 || c.now.Mono-l.cmd.triedAt < tickEvery {
		return
	}
	c.closeLink(l)
	for _, cn := range []*conn{&l.cmd, &l.pub} {
		cn.triedAt = min(cn.triedAt, c.now.Mono-c.params.pingPeriod)
	}
}

// masterWentDown asks everybody at once: the peers for their opinion, the
// replicas for fresh INFO.
//
// Rule: E-1, W-6.
func (c *Core) masterWentDown(m *master) {
	for _, p := range m.peers {
		p.answered, p.askStep, p.askedAt = false, 0, never
	}
	c.snapshotReplIDs(m)
	for _, r := range m.replicas {
		r.infoNow = true
		c.touch(&r.instance)
	}
}
