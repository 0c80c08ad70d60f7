package sentinel

import (
	"time"

	"gosentinel/replication"
)

// reconfWait is how long the switch waits for replicas that were told to follow
// the new master. Those that can link do so within milliseconds; one that
// cannot, or has a long synchronisation before it, would keep the new master
// from being told for as long as failover-timeout.
//
// Rule: E-56, R-15.
const reconfWait = time.Second

// reconfigure points the other replicas to the new master, a few at a time,
// and ends the failover when all have followed, or after reconfWait. The rest
// is done after the switch.
//
// Rule: B-720, B-722, B-724, E-55, E-56, W-5, W-15, W-17.
func (c *Core) reconfigure(m *master) {
	f := &m.failover
	// Nobody is pointed to a dead master. The switch is made all the same, since it
	// has been announced, and the next failover begins from there.
	if f.promoted.sdown {
		c.endFailover(m, true)
		return
	}
	// Before new slots are given: with parallel-syncs 1 a stuck replica would block all others (W-15).
	c.expireSlots(m)
	c.fillSlots(m)
	// Clients wait for the end of this: replicas that cannot link up are gone on
	// with after the switch (E-56).
	if c.allFollow(m) || c.now.Mono > f.stateSince+m.reconfWait() {
		c.endFailover(m, false)
	}
}

func (m *master) reconfWait() time.Duration { return min(reconfWait, m.failoverTimeout) }

// repointing reports whether replicas are being pointed to m.current: in a
// failover of ours, or after its switch.
func (m *master) repointing() bool {
	return m.failover.state == stateReconfSlaves || m.restUntil != never
}

// concerns reports whether r is one of those that are being re-pointed.
func (m *master) concerns(r *replica) bool {
	if m.failover.state == stateReconfSlaves {
		return !r.promoted
	}
	return r.left
}

// target is the instance that replicas are being pointed to.
func (m *master) target() *instance {
	if m.failover.state == stateReconfSlaves {
		return &m.failover.promoted.instance
	}
	return &m.instance
}

// repointRest goes on, after the switch, with the replicas that had not followed
// by then.
//
// Rule: B-724, E-56.
func (c *Core) repointRest(m *master) {
	if m.sdown {
		return // nobody is pointed to a master that is down
	}
	c.expireSlots(m)
	c.fillSlots(m)
	switch {
	case c.allFollow(m):
		c.endRest(m)
	case c.now.Mono > m.restUntil:
		// No +failover-end again: the failover itself ended with the switch (B-724).
		c.event(LevelWarning, "+failover-end-for-timeout", &m.instance, "")
		c.pointTheRest(m)
		c.endRest(m)
	}
}

// endRest forgets what is left of our last failover.
func (c *Core) endRest(m *master) {
	if m.restUntil == never {
		return
	}
	m.restUntil = never
	for _, r := range m.replicas {
		r.left, r.reconf = false, reconfNone
		c.touch(&r.instance)
	}
	c.touch(&m.node)
}

// restDue is when repointRest has something to do without an input.
func (c *Core) restDue(m *master) time.Duration {
	if m.restUntil == never || m.sdown {
		return farAway
	}
	return min(m.restUntil+1, c.slotsDue(m))
}

// expireSlots frees the slots of replicas that never began to follow.
//
// Rule: B-720, W-15.
func (c *Core) expireSlots(m *master) {
	for _, r := range m.replicas {
		if r.reconf == reconfSent && c.now.Mono > r.sentAt+c.params.slaveReconfTimeout {
			c.event(LevelNotice, "-slave-reconf-sent-timeout", &r.instance, "")
			c.followed(m, r)
		}
	}
}

// followed marks r as one that needs nothing more.
func (c *Core) followed(m *master, r *replica) {
	r.reconf = reconfDone
	// After the switch its flags are those of an ordinary replica at once.
	if r.left {
		r.left, r.reconf = false, reconfNone
	}
	c.touch(&m.node)
}

// takesSlot reports whether r counts against parallel-syncs: it has been told,
// and does synchronise or may yet begin to.
//
// Rule: E-56, W-15.
func (c *Core) takesSlot(r *replica) bool {
	switch r.reconf {
	case reconfSent:
		return true
	case reconfInProgress:
		// One that has a link and does not synchronise holds others back no longer than a deaf one
		// (E-56).
		return r.info.Syncing || c.now.Mono <= r.sentAt+c.params.slaveReconfTimeout
	}
	return false
}

// fillSlots tells as many replicas as parallel-syncs allows. After the switch
// only those that still follow the old master, as they say: who has become
// something else since is none of the failover's.
//
// Rule: E-56.
func (c *Core) fillSlots(m *master) {
	busy := 0
	for _, r := range m.replicas {
		if c.takesSlot(r) {
			busy++
		}
	}
	for _, r := range m.replicas {
		if busy >= m.parallelSyncs {
			return
		}
		if !m.concerns(r) || r.reconf != reconfNone || r.sdown || !r.connected() {
			continue
		}
		// Only its own word tells that it still follows the old master.
		if r.left && (r.infoAt == never || c.outvoted(m)) {
			continue
		}
		// Nodes re-point themselves, and nobody waits for them (E-83).
		if r.is(m.target()) || r.isNode() || r.left && !(r.role == replication.Replica && r.followsAddr(m.restFrom)) {
			c.followed(m, r)
			continue
		}
		c.sendFollow(m, r, "+slave-reconf-sent")
		r.reconf = reconfSent
		busy++
	}
}

func (c *Core) sendFollow(m *master, r *replica, event string) {
	c.follow(r, m.target().addr)
	r.sentAt = c.now.Mono
	c.event(LevelNotice, event, &r.instance, "")
}

// allFollow reports whether nothing is left to wait for.
//
// Rule: B-722.
func (c *Core) allFollow(m *master) bool {
	for _, r := range m.replicas {
		// Who is down is re-pointed when it is back: a failover that waited for it might never end
		// (B-722).
		if m.concerns(r) && r.reconf != reconfDone && !r.sdown {
			return false
		}
	}
	return true
}

// pointTheRest is the last effort of a failover that ran out of time.
//
// Rule: B-724, W-16, R-24, E-82.
func (c *Core) pointTheRest(m *master) {
	if c.outvoted(m) {
		return
	}
	for _, r := range m.replicas {
		// Whoever was told already, in a slot, is not told again: it may just be synchronising.
		if r.left && r.reconf == reconfNone && r.connected() && !r.isNode() && r.role == replication.Replica && r.followsAddr(m.restFrom) {
			c.sendFollow(m, r, "+slave-reconf-sent-be")
		}
	}
}

// considerSync follows a replica in a slot by its INFO.
//
// Rule: B-721, behaviour.md 5.3.
func (c *Core) considerSync(m *master, r *replica) {
	if !m.repointing() || !m.concerns(r) || r.role != replication.Replica || !r.followsAddr(m.target().addr) {
		return
	}
	if r.reconf == reconfSent {
		r.reconf = reconfInProgress
		c.event(LevelNotice, "+slave-reconf-inprog", &r.instance, "")
	}
	// The same INFO may tell of both steps: small data sets are synchronised in one period.
	if r.reconf == reconfInProgress && r.info.LinkUp {
		c.event(LevelNotice, "+slave-reconf-done", &r.instance, "")
		c.followed(m, r)
	}
}

func (c *Core) reconfDue(m *master) time.Duration {
	return min(m.failover.stateSince+m.reconfWait()+1, c.slotsDue(m))
}

// slotsDue is when a slot becomes free without an input.
func (c *Core) slotsDue(m *master) time.Duration {
	due := farAway
	for _, r := range m.replicas {
		if t := r.sentAt + c.params.slaveReconfTimeout + 1; r.reconf == reconfSent || r.reconf == reconfInProgress && t > c.now.Mono {
			due = min(due, t)
		}
	}
	return due
}

// endFailover ends a failover in good order.
func (c *Core) endFailover(m *master, promotedDown bool) {
	c.event(LevelWarning, "+failover-end", &m.instance, "")
	c.finishFailover(m, promotedDown)
}

// finishFailover makes the promoted replica the master that we watch. What has
// not followed it yet is carried over, to be gone on with.
//
// Rule: B-730, E-55, E-56.
func (c *Core) finishFailover(m *master, promotedDown bool) {
	f := &m.failover
	// What is needed of the attempt is read first: the switch clears it.
	until := f.stateSince + m.failoverTimeout
	c.enter(m, stateUpdateConfig)
	to := f.promoted.addr
	// Before the switch, whose +slave events come behind +switch-master in the original too (B-730).
	c.saySwitch(m, c.text(m.addr), c.text(to))
	demoted := f.demoted
	old, replicas := m.addr, m.replicas
	c.switchMaster(m, to, "")
	// Its silence began before the switch: what restarted its clocks there would
	// keep the next failover waiting for another down-after.
	if promotedDown {
		m.link.waits, m.link.pendingSince = true, min(m.link.pendingSince, c.now.Mono-m.downAfter-time.Millisecond)
		c.touch(&m.instance)
	}
	// It was told already; +convert-to-slave comes when it says so.
	if r := m.findReplica(old); demoted && r != nil {
		r.demoting, r.demotedAt = true, c.now.Mono
	}
	for _, was := range replicas {
		// With a master that is down there is nothing to go on with: its own failover points all anew.
		if r := m.findReplica(was.addr); r != nil && was.reconf != reconfDone && !was.sdown && !promotedDown {
			r.left, r.reconf, r.sentAt = true, was.reconf, was.sentAt
			m.restUntil, m.restFrom = until, old
		}
	}
}
