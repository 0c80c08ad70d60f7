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
	if p.mute() {
		return
	}
	if m.configEpoch == 0 {
		// Configured differently by hand: nobody can know who is right.
		c.complain(p.link, topicAddress, m.name, "names %s as the master, and config epoch 0 as we do: the configurations differ",
			replication.Join(p.said.addr.Shown(c.announceHostnames), p.said.addr.Port))
		return
	}
	// One hello may have been under way while its sender, or we, switched.
	if p.disputeAt == never {
		p.disputeAt = c.now.Mono
		c.logLine(LevelWarning, fmt.Sprintf("%s announces %s for config epoch %d", p.describe(c),
			replication.Join(p.said.addr.Shown(c.announceHostnames), p.said.addr.Port), m.configEpoch))
		return
	}
	if c.now.Mono-p.disputeAt >= c.params.publishPeriod && m.disputed == never {
		m.disputed = c.now.Mono
		c.touch(&m.node)
	}
}

// stillDisputed reports whether some peer disputes our configuration.
func (m *master) stillDisputed() bool {
	for _, p := range m.peers {
		if p.disputeAt != never && !p.mute() && p.said.epoch == m.configEpoch && !p.said.addr.Same(m.addr) {
			return true
		}
	}
	return false
}

// resolveDispute ends an election won for a repair: the address that most
// voters announce, among those that report to be masters, becomes that of the
// epoch won. If all that are announced report to be none, it is chosen among
// them: Sentinels that agree can fail over from there. Nobody is promoted.
//
// Rule: E-80.
// Departs: ADR 0002.
func (c *Core) resolveDispute(m *master) {
	f := &m.failover
	best, awaited := c.bestClaim(m)
	switch {
	case awaited && c.now.Mono < f.stateSince+selectMax:
		return
	case best == nil || !c.proceed(m):
		// Where we lead no more, proceed has ended the attempt, and told why.
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
	// The address stays and only its epoch is new: to us nothing has switched, the others do by B-432.
	if to.Same(m.addr) {
		c.endAttempt(m)
		c.show(m)
		c.helloAll(m)
		return
	}
	c.saySwitch(m, c.text(m.addr), c.text(to))
	c.switchMaster(m, to, "")
}

// claim is an instance whose address is announced as the master's, and by how
// many voters with our config epoch.
type claim struct {
	i     *instance
	votes int
}

// bestClaim is the instance whose address a dispute is to be settled on, nil if
// none is known. It may be, while awaited.
//
// Rule: E-80.
func (c *Core) bestClaim(m *master) (best *instance, awaited bool) {
	var masters, others claim
	silent := false
	look := func(addr replication.Addr) {
		i, votes := m.instanceAt(addr), m.announcers(addr)
		switch {
		case i == nil || !i.connected() || i.infoAt <= m.failover.electedAt:
			awaited = awaited || i != nil && i.connected()
			// Who does not answer may be the one master among them, so none that is no master is
			// taken.
			silent = silent || votes > 0
		case i.info.Role == replication.Master:
			masters.take(i, votes)
		case votes > 0:
			others.take(i, votes)
		}
	}
	look(m.addr)
	for _, p := range m.peers {
		if !p.mute() {
			look(p.said.addr)
		}
	}
	if masters.i == nil && !silent {
		return others.i, awaited
	}
	return masters.i, awaited
}

// take replaces a claim by a better one: of more voters, then with the higher
// offset, then with the smaller text.
//
// Rule: E-80.
func (c *claim) take(i *instance, votes int) {
	if c.i == nil || votes > c.votes || votes == c.votes && i.claimsBetter(c.i) {
		*c = claim{i, votes}
	}
}

// announcers is how many voters announce addr with our config epoch.
func (m *master) announcers(addr replication.Addr) int {
	n := 0
	if addr.Same(m.addr) {
		n++
	}
	for _, p := range m.peers {
		if !p.mute() && p.said.epoch == m.configEpoch && p.said.addr.Same(addr) {
			n++
		}
	}
	return n
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

// claimsBetter breaks a tie: the higher offset, then the smaller text.
func (i *instance) claimsBetter(o *instance) bool {
	if a, b := i.masterOffset(), o.masterOffset(); a != b {
		return a > b
	}
	return replication.Join(i.addr.Host, i.addr.Port) < replication.Join(o.addr.Host, o.addr.Port)
}
