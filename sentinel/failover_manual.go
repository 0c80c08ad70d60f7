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
	// Judged by what is known now, as the operator waits for the reply (B-740); chosen by fresh INFO.
	case c.bestReplica(m, l) == nil || m.ofCluster() && c.successor(m) == nil:
		c.emit(Respond{ID: id, Value: resp.Err("NOGOODSLAVE No suitable replica to promote")})
		return
	}
	c.logLine(LevelNotice, "Executing user requested FAILOVER of '"+m.name+"'")
	c.start(m, byHand)
	// They have been touched by the start, and are asked in this step.
	for _, r := range m.replicas {
		r.infoNow = true
	}
	// Behind the start, so that OK too waits for the write of the vote (E-40).
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
	// Somebody is failing it over just now: if he gets through there is nothing left to do (E-62).
	case held && age < manualHeldMax:
		return
	// A new epoch needs no durable vote in the old one: it casts its own.
	case gone && f.epochs < manualEpochs && !c.outOfEpochs():
		c.nextManualEpoch(m)
	// Not even by force: another vote of ours in this epoch would then be possible after a crash
	// (S-2).
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
	// startedAt stays: the operator's wait is bounded over all epochs together.
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
