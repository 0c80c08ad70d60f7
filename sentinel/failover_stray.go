package sentinel

import (
	"time"

	"gosentinel/quorum"
	"gosentinel/replication"
)

// fixTime is when a replica of another master may be re-pointed: one that our
// failovers have left behind soon, one that somebody has moved after a
// failover-timeout. A leader that is alive may be pacing its slots, so it is left
// alone for that long too. One that has gone is stood in for by the first of
// ours.
//
// Rule: B-523, E-59, R-24, W-14.
func (c *Core) fixTime(m *master, r *replica) time.Duration {
	since := max(r.confSince, r.lastDown())
	if !m.leftBehind(r) {
		return since + r.patience()
	}
	// Before the pacing of a live leader is looked at: there is none to leave alone.
	if at, ours := c.handover(m); ours {
		return at
	}
	wait := m.failoverTimeout
	paced := m.switched.by != "" && c.now.Mono-m.switched.at < m.failoverTimeout && m.alive(m.switched.by)
	// A file may set parallel-syncs below 1, and still nobody is to be left behind for ever.
	slot := c.syncing(m) < max(m.parallelSyncs, 1)
	// Not while a vote is undecided: its candidate may be promoting just this replica (E-44).
	if slot && c.confirmed(m) && !paced && !m.ballot.Unfinished(m.configEpoch) {
		wait = min(wait, 2*c.params.publishPeriod)
	}
	return since + wait
}

// leftBehind reports whether a failover explains that r follows another than
// the master: it has not been seen to follow that yet, and what it follows was
// our master, or is of its group and no healthy replica of it, as one is that
// somebody has put between r and the master.
//
// Rule: R-24, W-14.
func (m *master) leftBehind(r *replica) bool {
	// Once it has followed the present master, no failover explains that it follows another.
	if r.joinedAt != never {
		return false
	}
	for _, a := range m.former {
		if r.followsAddr(a) {
			return true
		}
	}
	o := m.followedBy(r)
	return o != nil && (o.sdown || o.infoAt == never || o.stray())
}

// followedBy is the replica of m that r says to follow, nil if it is none.
func (m *master) followedBy(r *replica) *replica {
	for _, o := range m.replicas {
		if o != r && r.followsAddr(o.addr) {
			return o
		}
	}
	return nil
}

// noteMove follows where r goes. Somebody who takes it out of the group again
// and again may be another Sentinel that has it in its own list, so each time it
// is left alone twice as long, until it has stayed for long.
//
// Rule: R-24, B-523.
func (c *Core) noteMove(r *replica) {
	m := r.of
	switch follows := r.followsAddr(m.addr); {
	case follows == r.follows:
		return
	case follows:
		r.follows, r.joinedAt = true, c.now.Mono
		return
	}
	r.follows = false
	// A move within the group is none into another Sentinel's list.
	if m.followedBy(r) != nil {
		return
	}
	// Measured by the wait that it had before this departure lengthens it.
	if c.now.Mono-r.joinedAt > staysFor*r.patience() {
		r.departures = 0
	}
	r.departures = min(r.departures+1, maxDepartures)
}

const (
	// staysFor is how many times as long as it was left alone a replica must
	// have stayed for its earlier departures to be forgotten.
	staysFor = 4
	// maxDepartures bounds how long it is left alone: 2^15 failover-timeouts.
	maxDepartures = 16
)

// patience is how long r, which somebody has moved, is left alone.
//
// Rule: B-523, R-24.
func (r *replica) patience() time.Duration {
	wait := r.of.failoverTimeout
	if r.of.followedBy(r) != nil {
		return wait
	}
	// Bounded so that staysFor of it, added to a time, still lies before farAway.
	for k := 1; k < r.departures && wait < farAway/staysFor/4; k++ {
		wait *= 2
	}
	return wait
}

// sure reports whether m has said what it is since a replica of it was changed by
// somebody, who may have changed both: else it is asked, and this decided then.
// Two that follow each other would be nobody's replica.
//
// Rule: B-522, R-24.
func (c *Core) sure(m *master, since time.Duration) bool {
	if m.infoAt > since {
		return true
	}
	if !m.infoBusy {
		m.infoNow = true
		c.touch(&m.instance)
	}
	return false
}

// serves reports whether m has listed r among its replicas since r has said what
// it follows: then that is m, though r knows it by another address.
//
// Rule: R-24.
func (m *master) serves(r *replica) bool {
	// A list older than the move may name r for what it was before.
	if m.infoAt <= r.confSince || m.role != replication.Master {
		return false
	}
	for _, rep := range m.info.Replicas {
		if rep.Port == r.addr.Port && (rep.Host == r.addr.IP || equalFold(rep.Host, r.addr.Host)) {
			return true
		}
	}
	return false
}

// followsAlias reports whether an instance that we know by the address that r
// follows is the process that m is.
//
// Rule: R-24.
func (c *Core) followsAlias(m *master, r *replica) bool {
	if m.runID == "" {
		return false
	}
	if o := m.followedBy(r); o != nil && o.runID == m.runID {
		return true
	}
	// Another master's instance may bear that address: one process under two names has one run id.
	at := replication.Addr{Host: r.info.MasterHost, Port: r.info.MasterPort}
	if isLiteral(at.Host) {
		at.IP = at.Host
	}
	o := c.byAddr.find(at)
	return o != nil && o.runID == m.runID
}

// outvoted reports whether a majority of the voters announces another address in
// our config epoch: it is not for us to point replicas to ours, which may be
// another name of the same.
//
// Rule: R-24, E-80.
func (c *Core) outvoted(m *master) bool {
	others := 0
	for _, p := range m.peers {
		if c.tells(p) && p.said.epoch == m.configEpoch && p.said.addr.Host != "" && !p.said.addr.Same(m.addr) {
			others++
		}
	}
	return others >= quorum.Majority(m.voters())
}

// formerKept is how many addresses that a master had are remembered.
const formerKept = 8

// noteFormer remembers an address that the master of m had until now.
//
// Rule: R-24.
func (m *master) noteFormer(a replication.Addr) {
	if len(m.former) == formerKept {
		m.former = append(m.former[:0], m.former[1:]...)
	}
	m.former = append(m.former, a)
}

// handoverAfter is how long the leader of a failover must have said nothing
// before another ends its work (E-59).
const handoverAfter = 2 * time.Second

// handover reports whether the leader that announced our configuration is gone
// and it is ours to re-point what still follows the old address, and from
// when. No more replicas at a time than parallel-syncs.
//
// Rule: E-59.
func (c *Core) handover(m *master) (at time.Duration, ours bool) {
	p := m.findPeer(m.switched.by)
	// By rank, as in an election, so that one of ours takes it up and not all (E-59).
	if p == nil || c.now.Mono-m.switched.at >= m.failoverTimeout || !(p.sdown || p.dead()) || c.rank(m) > 0 {
		return 0, false
	}
	if c.syncing(m) >= max(m.parallelSyncs, 1) {
		// An INFO of one that synchronises frees the place, and lets the roles be looked at again.
		return farAway, true
	}
	return p.heardAt + handoverAfter, true
}

// syncing is how many replicas synchronise with the master, or were told to
// follow it a short while ago and may begin to.
//
// Rule: E-56, E-59.
func (c *Core) syncing(m *master) int {
	n := 0
	for _, r := range m.replicas {
		follows := r.role == replication.Replica && r.followsAddr(m.addr)
		told := max(r.demotedAt, r.confSince)
		switch {
		case r.sdown || follows && r.info.LinkUp:
		// Who was told a moment ago has not said yet whom it follows, and takes a place as well.
		case follows && r.info.Syncing, c.now.Mono-r.demotedAt < demoteAgain, follows && c.now.Mono-told <= c.params.slaveReconfTimeout:
			n++
		}
	}
	return n
}

// alive reports whether the peer with this run id is known and not SDOWN.
func (m *master) alive(runID string) bool {
	p := m.findPeer(runID)
	return p != nil && !p.sdown
}
