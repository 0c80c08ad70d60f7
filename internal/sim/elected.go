package sim

import (
	"time"

	"gosentinel/quorum"
)

// elected: I-1, I-3, I-6.
//
// Rule: E-62, E-63, S-4.
func (k *checker) elected(n *Node, name string, at Addr) {
	k.elections++
	m := k.of(n, name)
	if m.manual && !m.forced {
		k.later(n, name, m)
	}
	key := epochOf{name, m.epoch}
	support := 0
	for _, o := range k.w.nodes {
		if k.votes[voteOf{o.ID(), name, m.epoch}] == n.ID() {
			support++
		}
	}
	voters, quorum := k.voters(n, name)
	voters = min(voters, k.w.watchers(name)) // the file may name inventions by now, which were none of the election
	need := max(voters/2+1, quorum)
	m.forced = m.forced || n.opt.Original && m.manual && support < need // an original does not say so
	if m.forced {
		k.forced[key] = true
		k.unasked(n, name, m)
	}
	old := k.leaders[key]
	if old != "" && old != n.ID() && k.foreignEpoch(n, old, key) {
		k.forced[key] = true // as after a forced one, all may follow that S-7 excludes
	}
	if old != "" && old != n.ID() && !k.forced[key] && !k.tainted && !k.loose() {
		k.fail(n.name, "I-1", "leads %s in epoch %d, as %s does", name, m.epoch, k.nameOf(old))
	}
	k.leaders[key] = n.ID()
	k.newest[name] = max(k.newest[name], m.epoch)
	k.settled(n, name, "leads")
	manual := m.manual
	m.manual = false
	if m.forced || n.opt.Original { // an original keeps opinions and votes for too long (S-9)
		return
	}
	if support < need && !k.reset && !k.tainted { // else a vote may have been forgotten
		k.fail(n.name, "I-6", "leads %s in epoch %d with %d votes of %d", name, m.epoch, support, need)
	}
	if manual {
		return // needs no ODOWN (S-4)
	}
	k.real(n, name, m.epoch, support)
	if i := k.w.Instance(at); i != nil && i.opt.Cluster {
		return // it is left for the node that the cluster has promoted, down or not (E-82)
	}
	if k.w.now-m.electedAt >= opinionAge {
		return // told late, by a disk or after a sleep: who saw it down then is not known any more
	}
	down := 0
	for _, o := range k.w.nodes {
		ow := k.of(o, name)
		last, ok := ow.downLast[at]
		hidden := o.out.Len() > 0 || k.w.now-k.node(o).hidden < opinionAge // its +sdown may wait for its disk
		if ow.down == at || ok && k.w.now-last < opinionAge || hidden {
			down++
		}
	}
	if down < quorum && !k.disputed[name] && !k.reset { // E-80 needs no ODOWN
		k.fail(n.name, "I-6", "leads %s in epoch %d, down for %d of %d", name, m.epoch, down, quorum)
	}
}

// later: a manual failover that has lost an epoch goes on in a later one, which
// only its requests tell.
//
// Rule: E-62.
func (k *checker) later(n *Node, name string, m *masterWatch) {
	if m.stands > m.epoch {
		m.epoch = m.stands
		k.vote(n, name, m.epoch, n.ID())
	}
}

// loose reports whether S-1, and with it S-7, may be broken: originals can
// outvote ours, or Sentinels know different sets of peers.
//
// Rule: S-1, S-9, W-35.
func (k *checker) loose() bool {
	if k.reset || k.strangers {
		return true
	}
	originals := 0
	for _, n := range k.w.nodes {
		originals += b2i(n.opt.Original)
	}
	return 2*originals > len(k.w.nodes)
}

// foreignEpoch reports whether an original acts in an epoch that it has not won,
// with the votes of a later one, and none of ours has helped it: a voter of
// ours that has voted for the other must refuse it for the guard of E-25, an
// original need not. A vote for a third gives an attempt its time anew (B-611), so
// that it may outlive the guard, which I-12 bounds.
//
// Rule: S-9, E-25, I-12, S-7.
func (k *checker) foreignEpoch(n *Node, old string, key epochOf) bool {
	o := k.byID(old)
	if o == nil || !n.opt.Original && !o.opt.Original {
		return false
	}
	for _, voter := range k.w.nodes {
		first, second := k.votedFor(voter, old, key), k.votedFor(voter, n.ID(), key)
		m := masterIn(voter.Disk.saved, key.master)
		if voter.opt.Original || first == 0 || second == 0 || m == nil {
			continue
		}
		timing := quorum.Timing{ElectionTimeout: 10 * time.Second, FailoverTimeout: m.FailoverTimeout}
		if max(first, second)-min(first, second) < timing.Guard() {
			return false
		}
	}
	return true
}

// votedFor is when a voter first voted for a candidate in an epoch or a later
// one; 0 = never.
func (k *checker) votedFor(voter *Node, candidate string, key epochOf) time.Duration {
	at := time.Duration(0)
	for v, leader := range k.votes { // any order: the least is sought
		if v.voter == voter.ID() && v.master == key.master && v.epoch >= key.epoch && leader == candidate && (at == 0 || k.votedAt[v] < at) {
			at = k.votedAt[v]
		}
	}
	return at
}

// opinionAge is how old an opinion of a peer may be, and a little for its way
// and the election (B-320).
const opinionAge = 16 * time.Second
