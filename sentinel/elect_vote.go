package sentinel

import (
	"strconv"
	"time"

	"gosentinel/quorum"
)

// vote answers a request for our vote and records what follows from it.
//
// Rule: E-20.
func (c *Core) vote(m *master, epoch quorum.Epoch, candidate quorum.RunID) {
	if quorum.Absurd(c.epoch, epoch) {
		return
	}
	// Also where we may not vote: our own next attempt has to be above it.
	c.adoptEpoch(epoch, m)
	if c.votingSuspended.forbids(c.now.Mono, epoch) {
		return
	}
	// Who is no known peer has never answered E-5's question, so it is taken for an original.
	p := m.findPeer(string(candidate))
	ask := quorum.Ask{Epoch: epoch, Candidate: candidate, Known: p != nil && p.counts(), Original: p == nil || !p.link.isGosentinel}
	switch m.ballot.Answer(c.now.Mono, ask, c.standing(m)) {
	case quorum.Stale:
		if p != nil {
			p.helloNow = true
			c.touch(&p.instance)
		}
	case quorum.Cast:
		c.changeMaster(m)
		c.awaitWrite(m)
		c.say(LevelWarning, "+vote-for-leader", string(candidate)+" "+strconv.FormatUint(uint64(epoch), 10), m)
		m.election.votedForOther = m.election.votedForOther || candidate != c.self()
		c.yield(m, candidate)
	}
	c.touch(&m.node)
}

// yield ends our own candidacy, or a leadership that has promoted nobody yet,
// after a vote for another.
//
// Rule: E-20.7, E-42.
func (c *Core) yield(m *master, candidate quorum.RunID) {
	f := &m.failover
	// Beyond that a replica may already be a master, which nobody would hear of if we stopped here.
	if candidate == c.self() || f.state == stateNone || f.state > stateSelectSlave {
		return
	}
	c.event(LevelWarning, "-failover-abort-not-elected", &m.instance, "")
	c.endAttempt(m)
}

// standing is what our vote for m depends on besides the ballot.
//
// Rule: E-11, E-22.
func (c *Core) standing(m *master) quorum.Standing {
	s := quorum.Standing{
		Self: c.self(), Config: m.configEpoch, Timing: m.timing(c),
		SelfLocked: c.selfLocked(m),
	}
	original, rtt := true, time.Duration(0)
	if p := m.findPeer(string(m.ballot.Vote)); p != nil && p.counts() {
		original, rtt = !p.link.isGosentinel, p.link.rtt
		s.VotedKnown = true
		s.VotedDead = p.dead()
	}
	s.Lock = s.Timing.Lock(original, rtt)
	return s
}

// dead reports whether p's process is known to be gone: its link broke and
// nobody listened there any more. A request heard after that shows that it
// lives.
//
// Rule: E-11.
func (p *peer) dead() bool {
	return p.link.refusedAt != never && !p.connected() && p.asksAt < p.link.refusedAt
}

// selfLocked reports whether our own vote locks us: the candidacy is undecided,
// or we lead with fresh votes and may still promote.
//
// Rule: E-22.
func (c *Core) selfLocked(m *master) bool {
	switch f := &m.failover; {
	case f.state == stateNone || f.state >= stateReconfSlaves || m.ballot.Epoch != f.epoch:
		return false
	case f.state == stateWaitStart:
		return !c.disk.sick && !c.tilt // else it begins nothing by its vote, and keeps it from nobody
	default:
		return c.freshVotes(m) >= m.need() && c.now.Mono < m.ballot.CastAt()+m.timing(c).Limit()
	}
}

// freshVotes counts the votes whose newest request is not older than the
// lease, our own included while it is for ourselves.
//
// Rule: E-34, E-36.
func (c *Core) freshVotes(m *master) int {
	n := 0
	if m.ballot.Vote == c.self() && m.ballot.Epoch == m.failover.epoch {
		n++
	}
	t := m.timing(c)
	for _, p := range m.peers {
		if p.voteReply.kind == quorum.VoteGranted && c.now.Mono-p.voteReply.sentAt <= t.Lease(p.link.rtt) {
			n++
		}
	}
	return n
}
