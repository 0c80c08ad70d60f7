package sim

import (
	"time"

	"gosentinel/quorum"
	"gosentinel/sentinel"
)

// Sleep suspends the machine of the Sentinel: its process stands still, and the
// monotonic clock with it. The wall clock is right again when it wakes; boot says
// that the kernel knows how long it was, too.
func (n *Node) Sleep(boot bool) {
	if !n.up || n.sleeps {
		return
	}
	n.Pause()
	n.sleeps, n.boot, n.since = true, boot, n.w.now
}

// Wake lets a suspended machine go on.
func (n *Node) Wake() {
	if !n.sleeps {
		return
	}
	d := n.w.now - n.since
	n.sleeps, n.asleep = false, n.asleep+d
	n.w.check.node(n).woke = n.w.now
	if n.boot {
		n.backlog = append([]work{{f: func() { n.step(sentinel.Slept{For: d}) }}}, n.backlog...)
	}
	n.proc.Resume()
}

// Resume lets a stopped process go on, unless its machine is suspended.
func (n *Node) Resume() {
	if !n.sleeps {
		n.proc.Resume()
	}
}

// freshAnswer is how old, in real time, the newest answer of a voter may be when
// its vote is acted on: the lease, with the longest round trip that a Sentinel
// reckons with, and a little for the way.
//
// Rule: E-34.
const freshAnswer = 2 * time.Second

// realFresh: nobody promotes with votes that are older than the lease in real
// time, however its clocks run (I-16), unless it is forced.
//
// Rule: E-34, E-64, R-9.
func (k *checker) realFresh(n *Node, name string, m *masterWatch) {
	if n.opt.Original || m.forces || k.reset || k.tainted || k.loose() {
		return
	}
	epoch := m.epoch
	if m.byHand {
		epoch = max(epoch, m.stands) // in a later one (E-62), whose events may wait for the write of another master's change
	}
	fresh := 1
	for voter, at := range k.answers { // any order: each for itself
		if voter.candidate == n.ID() && voter.master == name && voter.epoch == epoch && k.w.now-at <= freshAnswer {
			fresh++
		}
	}
	voters, size := k.voters(n, name)
	voters = min(voters, k.w.watchers(name)) // forged hellos may have made more of them in the file
	if need := quorum.Need(voters, size); fresh < need {
		k.fail(n.name, "I-16", "promotes for %s in epoch %d with %d fresh votes of %d", name, epoch, fresh, need)
	}
}
