package sentinel

import (
	"time"

	"gosentinel/replication"
)

// Waits of the choice of a replica, counted from the election or, for
// selectAny, from when INFO was asked for (E-50).
const (
	selectSome = 100 * time.Millisecond
	selectAny  = 500 * time.Millisecond
	selectMax  = 2 * time.Second
)

// candidate is r as the choice sees it.
func (c *Core) candidate(r *replica) replication.Candidate {
	now := c.now.Mono
	return replication.Candidate{
		Down: r.sdown, Disconnected: r.disconnectedNow(), SinceOK: now - r.link.lastOK,
		Priority: r.info.Priority, InfoAge: now - r.infoAt, LinkDown: r.info.LinkDown,
		Offset: r.info.Offset, RunID: r.runID, Tried: r.tried, Foreign: r.of.hasForeignReplID(r), Unsynced: r.of.unsynced(r),
		Node: r.isNode() && !r.of.ofCluster(),
	}
}

// disconnectedNow reports whether commands cannot reach r: unlike the flag, a
// connection still being opened does not count, and Pub/Sub does not matter
// (W-25).
func (r *replica) disconnectedNow() bool { return !r.connected() }

// limits are the spans that replicas of m are measured against.
//
// Rule: B-711.
func (c *Core) limits(m *master) replication.Limits {
	l := replication.Limits{
		MaxSinceOK:  5 * c.params.pingPeriod,
		MaxInfoAge:  3 * c.params.infoPeriod,
		MaxLinkDown: 10 * m.downAfter,
		ByHand:      m.failover.kind.takesTheEmpty(),
	}
	if m.sdown {
		// INFO comes each second while the master is down (B-502), so an older one has failed since.
		l.MaxInfoAge = 5 * c.params.pingPeriod
		// With the master down no replica is linked to it: that time is not held against any.
		l.MaxLinkDown += c.now.Mono - m.deserted()
	}
	return l
}

// deserted is since when replicas cannot be expected to be linked to m, which
// is SDOWN: a master that somebody made a replica has left them before.
func (m *master) deserted() time.Duration {
	if m.role == replication.Replica {
		return min(m.sdownSince, m.roleSince)
	}
	return m.sdownSince
}

// eligible reports whether r may be promoted as things stand.
func (c *Core) eligible(m *master, r *replica) bool {
	return replication.Reject(c.candidate(r), c.limits(m)) == ""
}

// anyEligible reports whether some replica may be promoted, or may turn out to
// be when the INFO asked for arrives, or whether none is needed.
//
// Rule: E-14, E-81.
func (c *Core) anyEligible(m *master) bool {
	if c.misplaced(m) {
		return true // it follows one that needs no promotion
	}
	for _, r := range m.replicas {
		if c.eligible(m, r) {
			return true
		}
		// Its INFO has been asked for at our SDOWN (E-1): until it is here, nothing speaks against it.
		if !r.sdown && r.connected() && !c.fresh(m, r) {
			return true
		}
	}
	return false
}

// fresh reports whether r's INFO was received since it was asked for because
// of this outage or manual failover.
//
// Rule: E-50, W-6.
func (c *Core) fresh(m *master, r *replica) bool { return r.infoAt > c.freshSince(m) }

func (c *Core) freshSince(m *master) time.Duration {
	switch {
	case m.failover.state >= stateSelectSlave && c.mayHaveBeenPromoted(m):
		// Somebody may have promoted one in between: roles from before the election tell nothing
		// (E-54).
		return m.failover.electedAt
	case m.failover.kind.asksAnew() || !m.sdown:
		// By hand there may be no SDOWN to count from.
		return m.failover.startedAt
	}
	return m.sdownSince
}

// bestReplica is the replica to promote, nil if all are rejected.
//
// Rule: B-711, E-51.
func (c *Core) bestReplica(m *master, l replication.Limits) *replica {
	// Before any order by rank: it may serve writes, and another choice makes a second history (E-51).
	if r := c.promotedByDeadLeader(m); r != nil {
		return r
	}
	cs := make([]replication.Candidate, len(m.replicas))
	for i, r := range m.replicas {
		cs[i] = c.candidate(r)
	}
	if i := replication.Best(cs, l); i >= 0 {
		return m.replicas[i]
	}
	return nil
}

// selectReplica chooses the replica to promote once enough is known, and gives
// up when none has become eligible.
//
// Rule: E-50, E-51, E-34, B-711.
func (c *Core) selectReplica(m *master) {
	f := &m.failover
	now := c.now.Mono
	awaited, someFresh := false, false
	for _, r := range m.replicas {
		switch {
		// Who cannot answer is not waited for.
		case r.sdown || !r.connected() || r.tried:
		case !c.fresh(m, r):
			awaited = true
		case c.eligible(m, r) && !m.hasForeignReplID(r): // one that comes last is not the reason not to wait for others
			someFresh = true
		}
	}
	ready := !awaited || someFresh && now >= f.electedAt+selectSome || now >= c.freshSince(m)+selectAny
	// ready tells that enough is known, best that it is good for something: else wait till selectMax.
	if best := c.bestReplica(m, c.limits(m)); best != nil && ready {
		if c.proceed(m) {
			c.choose(m, best)
		}
		return
	}
	if now < f.stateSince+selectMax {
		return
	}
	c.explainRejections(m)
	// One has been tried, so clients and scripts are to hear what became of it, as in tryNext.
	if f.sentOne {
		c.event(LevelWarning, "-failover-abort-slave-timeout", &m.instance, "")
	} else {
		c.event(LevelWarning, "-failover-abort-no-good-slave", &m.instance, "")
	}
	c.attemptFailed(m, m.timing(c).AttemptPause())
}

func (c *Core) selectDue(m *master) time.Duration {
	f := &m.failover
	return min(c.nextOf(f.stateSince+selectMax, f.electedAt+selectSome, c.freshSince(m)+selectAny), c.leadershipDue(m))
}

// explainRejections logs why no replica was good enough.
//
// Rule: E-50.
func (c *Core) explainRejections(m *master) {
	l := c.limits(m)
	for _, r := range m.replicas {
		if why := replication.Reject(c.candidate(r), l); why != "" {
			c.logLine(LevelNotice, "Not promoted: "+r.describe(c)+": "+why)
		}
	}
}
