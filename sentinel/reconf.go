package sentinel

import (
	"time"

	"gosentinel/replication"
)

// reconfigure points the other replicas to the new master, a few at a time,
// and ends the failover when all have followed.
//
// Rule: B-720, B-722, B-724, E-55, E-56, W-15, W-17.
func (c *Core) reconfigure(m *master) {
	f := &m.failover
	if f.promoted.sdown {
		c.endFailover(m, true)
		return
	}
	c.expireSlots(m)
	c.fillSlots(m)
	switch {
	case c.allFollow(m):
		c.endFailover(m, false)
	case c.now.Mono > f.stateSince+m.failoverTimeout:
		c.event(LevelWarning, "+failover-end-for-timeout", &m.instance, "")
		c.event(LevelWarning, "+failover-end", &m.instance, "")
		c.pointTheRest(m)
		c.finishFailover(m, false)
	}
}

// expireSlots frees the slots of replicas that never began to follow.
//
// Rule: B-720, W-15.
func (c *Core) expireSlots(m *master) {
	for _, r := range m.replicas {
		if r.reconf == reconfSent && c.now.Mono > r.sentAt+c.params.slaveReconfTimeout {
			c.event(LevelNotice, "-slave-reconf-sent-timeout", &r.instance, "")
			r.reconf = reconfDone
		}
	}
}

// fillSlots tells as many replicas as parallel-syncs allows.
func (c *Core) fillSlots(m *master) {
	busy := 0
	for _, r := range m.replicas {
		if r.reconf == reconfSent || r.reconf == reconfInProgress {
			busy++
		}
	}
	for _, r := range m.replicas {
		if busy >= m.parallelSyncs {
			return
		}
		if r.promoted || r.reconf != reconfNone || r.sdown || !r.connected() {
			continue
		}
		if r.is(&m.failover.promoted.instance) || r.isNode() {
			r.reconf = reconfDone
			continue
		}
		c.sendFollow(m, r, "+slave-reconf-sent")
		r.reconf = reconfSent
		busy++
	}
}

func (c *Core) sendFollow(m *master, r *replica, event string) {
	c.follow(r, m.failover.promoted.addr)
	r.sentAt = c.now.Mono
	c.event(LevelNotice, event, &r.instance, "")
}

// allFollow reports whether nothing is left to wait for.
//
// Rule: B-722.
func (c *Core) allFollow(m *master) bool {
	for _, r := range m.replicas {
		if !r.promoted && r.reconf != reconfDone && !r.sdown {
			return false
		}
	}
	return true
}

// pointTheRest is the last effort of a failover that ran out of time.
//
// Rule: B-724, W-16.
func (c *Core) pointTheRest(m *master) {
	for _, r := range m.replicas {
		if !r.promoted && r.reconf == reconfNone && r.connected() && !r.is(&m.failover.promoted.instance) && !r.isNode() {
			c.sendFollow(m, r, "+slave-reconf-sent-be")
		}
	}
}

// considerSync follows a replica in a slot by its INFO.
//
// Rule: B-721, behaviour.md 5.3.
func (c *Core) considerSync(m *master, r *replica) {
	f := &m.failover
	if f.state != stateReconfSlaves || r.promoted || r.role != replication.Replica || !r.followsAddr(f.promoted.addr) {
		return
	}
	if r.reconf == reconfSent {
		r.reconf = reconfInProgress
		c.event(LevelNotice, "+slave-reconf-inprog", &r.instance, "")
	}
	if r.reconf == reconfInProgress && r.info.LinkUp {
		r.reconf = reconfDone
		c.event(LevelNotice, "+slave-reconf-done", &r.instance, "")
	}
}

func (c *Core) reconfDue(m *master) time.Duration {
	due := m.failover.stateSince + m.failoverTimeout + 1
	for _, r := range m.replicas {
		if r.reconf == reconfSent {
			due = min(due, r.sentAt+c.params.slaveReconfTimeout+1)
		}
	}
	return due
}

// endFailover ends a failover in good order.
func (c *Core) endFailover(m *master, promotedDown bool) {
	c.event(LevelWarning, "+failover-end", &m.instance, "")
	c.finishFailover(m, promotedDown)
}

// finishFailover makes the promoted replica the master that we watch.
//
// Rule: B-730, E-55.
func (c *Core) finishFailover(m *master, promotedDown bool) {
	f := &m.failover
	c.enter(m, stateUpdateConfig)
	to := f.promoted.addr
	c.saySwitch(m, c.text(m.addr), c.text(to))
	demoted := f.demoted
	old := m.addr
	c.switchMaster(m, to, "")
	if promotedDown {
		m.link.waits, m.link.pendingSince = true, min(m.link.pendingSince, c.now.Mono-m.downAfter-time.Millisecond)
		c.touch(&m.instance)
	}
	if r := m.findReplica(old); demoted && r != nil {
		r.demoting, r.demotedAt = true, c.now.Mono
	}
}
