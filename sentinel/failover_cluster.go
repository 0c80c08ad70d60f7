package sentinel

import (
	"time"

	"gosentinel/replication"
)

// A node of a Redis Cluster that somebody monitors as if it were a master of
// its own is followed, not failed over: the cluster promotes replicas itself,
// and answers SLAVEOF with an error. Nothing is ever sent to a node that would
// change it; once the cluster has switched, an election settles on the node that
// it has promoted.
//
// Rule: E-82, E-83.

// isNode reports whether i says that it is a node of a Redis Cluster.
func (i *instance) isNode() bool { return i.info.Cluster }

// ofCluster reports whether m is a node, as far as is known: while it has not
// said so itself, whether its replicas are. One node among them proves nothing:
// an address can be given to somebody else's.
//
// Rule: E-82.
func (m *master) ofCluster() bool {
	// What it says of itself goes before what its replicas say.
	if m.infoAt != never {
		return m.isNode()
	}
	nodes := false
	for _, r := range m.replicas {
		if r.infoAt != never && !r.isNode() {
			return false
		}
		nodes = nodes || r.isNode()
	}
	return nodes
}

// successor is the node that the cluster has promoted in m's place, nil if
// there is none: one that is known as a replica of m reports to be a master while
// m is down, or while m follows it. One without a key, where m had some, was reset.
//
// Rule: E-82.
func (c *Core) successor(m *master) *replica {
	var best *replica
	for _, r := range m.replicas {
		switch {
		case !r.isNode() || r.role != replication.Master || r.sdown || !r.connected():
		case r.info.Empty && !m.info.Empty:
		case !m.odown && !(m.role == replication.Replica && m.reportsToFollow(r.addr)):
		case best == nil || r.masterOffset() > best.masterOffset():
			best = r
		}
	}
	return best
}

// followSince is from when m is to be left for the node that the cluster has
// promoted in its place; never = there is none.
//
// Rule: E-82.
func (c *Core) followSince(m *master) time.Duration {
	r := c.successor(m)
	switch {
	case r == nil:
		return never
	case m.odown:
		return max(m.odownSince, r.roleSince)
	}
	// Both must have happened: m follows it, and it is a master.
	return max(m.roleSince, r.roleSince)
}

// selectSuccessor chooses the node that the cluster has promoted, by an INFO
// asked for since the election.
//
// Rule: E-82, E-50.
func (c *Core) selectSuccessor(m *master) {
	f := &m.failover
	if r := c.successor(m); r != nil && r.infoAt > f.electedAt {
		if c.proceed(m) {
			c.choose(m, r)
		}
		return
	}
	if c.now.Mono < f.stateSince+selectMax {
		return
	}
	c.event(LevelWarning, "-failover-abort-no-good-slave", &m.instance, "")
	c.endAttempt(m)
	// No try of ours has failed, only a sign was not confirmed: so a second, not 2·ft (E-82).
	m.election.pauseUntil, m.election.long = c.now.Mono+time.Second, false
}

// nodePeriod is how often a node is asked for INFO at least: what the cluster
// does is seen by nothing else.
//
// Rule: E-82.
func (c *Core) nodePeriod(i *instance) time.Duration {
	if i.replica != nil && i.of.odown {
		return selectPoll
	}
	return 2 * time.Second
}

// tellNode logs, once, that an instance is a node, and what that means here.
//
// Rule: E-82.
func (c *Core) tellNode(i *instance) {
	if i.isNode() && !i.node {
		what := "followed, not failed over"
		if !i.of.ofCluster() {
			what = "left alone, its master is none"
		}
		c.logLine(LevelWarning, i.describe(c)+" is a node of a Redis Cluster: "+what)
	}
	i.node = i.isNode()
}
