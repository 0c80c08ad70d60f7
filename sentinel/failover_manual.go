package sentinel

import (
	"fmt"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/quorum"
)

// Bounds of a manual failover (E-62, E-63).
const (
	manualEpochs  = 3
	manualHeldMax = 2 * time.Second
)

// manualFailover begins the failover that an operator asked for.
//
// Rule: B-740, E-61, K-2.5.
func (c *Core) manualFailover(m *master, id ReqID) {
	l := c.limits(m)
	l.ByHand = true
	switch {
	case m.failover.state != stateNone:
		c.emit(Respond{ID: id, Value: resp.Err("INPROG Failover already in progress")})
		return
	case c.outOfEpochs():
		c.refuse(id, "ERR The current epoch is at its maximum, no failover can be started")
		return
	case c.bestReplica(m, l) == nil || m.ofCluster() && c.successor(m) == nil:
		c.emit(Respond{ID: id, Value: resp.Err("NOGOODSLAVE No suitable replica to promote")})
		return
	}
	c.logLine(LevelNotice, "Executing user requested FAILOVER of '"+m.name+"'")
	c.start(m, byHand)
	for _, r := range m.replicas {
		r.infoNow = true
	}
	c.emit(Respond{ID: id, Value: resp.OK})
}

// countManual decides without the votes needed: in a newer epoch, or by force.
//
// Rule: E-62, E-63.
func (c *Core) countManual(m *master) {
	f := &m.failover
	held, gone, silent := c.pollManual(m)
	age := c.now.Mono - f.startedAt
	switch {
	case held && age < manualHeldMax:
		return
	case gone && f.epochs < manualEpochs && !c.outOfEpochs():
		c.nextManualEpoch(m)
	case !c.ownVoteDurable(m):
	case !silent || age >= c.forceAfter(m):
		c.force(m)
	}
}

// pollManual tells what kinds of answers there are.
func (c *Core) pollManual(m *master) (held, gone, silent bool) {
	for _, p := range m.peers {
		switch p.voteReply.kind {
		case quorum.VoteWithheld:
			held = held || c.now.Mono-p.voteReply.withheldSince <= manualHeldMax
		case quorum.VoteForOther, quorum.VoteRefused:
			gone = gone || p.leaderEpoch >= m.failover.epoch
		case quorum.NoReply:
			silent = silent || p.connected() && !p.mute()
		}
	}
	return held, gone, silent
}

// nextManualEpoch stands again, above every epoch heard of.
//
// Rule: E-62.
func (c *Core) nextManualEpoch(m *master) {
	f := &m.failover
	f.epoch = c.newEpoch()
	c.changeMaster(m)
	f.epochs++
	c.say(LevelWarning, "+new-epoch", fmt.Sprint(f.epoch), m)
	c.standForVotes(m)
}

// force goes on without the votes, as the original does.
//
// Rule: E-63, B-741.
func (c *Core) force(m *master) {
	f := &m.failover
	f.forced = true
	votes := 1
	for _, p := range m.peers {
		if p.voteReply.kind == quorum.VoteGranted {
			votes++
		}
	}
	c.logLine(LevelWarning, fmt.Sprintf("Failover of '%s' is forced in epoch %d: %d of %d votes", m.name, f.epoch, votes, m.need()))
	c.elected(m)
}

func (c *Core) forceAfter(m *master) time.Duration {
	r := time.Duration(0)
	for _, p := range m.peers {
		r = max(r, p.link.rtt)
	}
	return quorum.ForceAfter(r)
}

// manualDue is when countManual may decide without an input.
func (c *Core) manualDue(m *master) time.Duration {
	started := m.failover.startedAt
	return c.nextOf(started+c.forceAfter(m), started+manualHeldMax)
}
