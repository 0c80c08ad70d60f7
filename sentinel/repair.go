package sentinel

import (
	"fmt"

	"gosentinel/replication"
)

// hearDispute notes a peer that announces another address with our config
// epoch. When it still does so a publish period later, the dispute is to be
// settled by an election.
//
// Rule: E-80, S-7.
func (c *Core) hearDispute(m *master, p *peer) {
	if m.configEpoch == 0 {
		return // configured differently by hand: nobody can know who is right
	}
	if p.disputeAt == never {
		p.disputeAt = c.now.Mono
		c.logLine(LevelWarning, fmt.Sprintf("%s announces %s for config epoch %d", p.describe(c),
			replication.Join(p.said.addr.Shown(c.announceHostnames), p.said.addr.Port), m.configEpoch))
		return
	}
	if c.now.Mono-p.disputeAt >= c.params.publishPeriod && m.disputed == never {
		m.disputed = c.now.Mono
		c.touch(&m.watch)
	}
}

// stillDisputed reports whether some peer disputes our configuration.
func (m *master) stillDisputed() bool {
	for _, p := range m.peers {
		if p.disputeAt != never && p.said.epoch == m.configEpoch && !p.said.addr.Same(m.addr) {
			return true
		}
	}
	return false
}

// settleDispute ends an election won for a repair: the address that most
// voters announce, among those that report to be masters, becomes that of the
// epoch won. Nobody is promoted.
//
// Rule: E-80.
func (c *Core) settleDispute(m *master) {
	f := &m.failover
	best, votes := m.claimant(c, m.addr)
	awaited := best == nil && m.connected() && m.infoAt <= f.electedAt
	for _, p := range m.peers {
		claim, n := m.claimant(c, p.said.addr)
		awaited = awaited || claim == nil && c.mayStillAnswer(m, p.said.addr)
		if claim != nil && (best == nil || n > votes || n == votes && c.claimsBetter(claim, best)) {
			best, votes = claim, n
		}
	}
	switch {
	case awaited && c.now.Mono < f.stateSince+selectMax:
		return
	case best == nil || !c.proceed(m):
		if m.failover.state != stateNone {
			c.event(LevelWarning, "-failover-abort-no-good-slave", &m.instance, "")
			c.attemptFailed(m, m.timing(c).AttemptPause())
		}
		return
	}
	m.configEpoch = f.epoch
	c.changeMaster(m)
	c.event(LevelWarning, "+failover-end", &m.instance, "")
	to := best.addr
	if to.Same(m.addr) {
		c.endAttempt(m)
		c.show(m)
		c.helloAll(m)
		return
	}
	c.saySwitch(m, c.text(m.addr), c.text(to))
	c.switchMaster(m, to, "")
}

// claimant is the instance at addr if INFO newer than the election says that it
// is a master, and how many voters announce it.
func (m *master) claimant(c *Core, addr replication.Addr) (*instance, int) {
	i := m.instanceAt(addr)
	if i == nil || !i.connected() || i.infoAt <= m.failover.electedAt || i.info.Role != replication.Master {
		return nil, 0
	}
	n := 0
	if addr.Same(m.addr) {
		n++
	}
	for _, p := range m.peers {
		if p.said.epoch == m.configEpoch && p.said.addr.Same(addr) {
			n++
		}
	}
	return i, n
}

// instanceAt is the master or replica at addr.
func (m *master) instanceAt(addr replication.Addr) *instance {
	if m.addr.Same(addr) {
		return &m.instance
	}
	if r := m.findReplica(addr); r != nil {
		return &r.instance
	}
	return nil
}

// mayStillAnswer reports whether INFO of the instance at addr is on its way.
func (c *Core) mayStillAnswer(m *master, addr replication.Addr) bool {
	i := m.instanceAt(addr)
	return i != nil && i.connected() && i.infoAt <= m.failover.electedAt
}

// claimsBetter breaks a tie: the higher offset, then the smaller text.
func (c *Core) claimsBetter(a, b *instance) bool {
	if a.info.MasterOffset != b.info.MasterOffset {
		return a.info.MasterOffset > b.info.MasterOffset
	}
	return replication.Join(a.addr.Host, a.addr.Port) < replication.Join(b.addr.Host, b.addr.Port)
}
