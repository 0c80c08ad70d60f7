package sentinel

import (
	"time"

	"gosentinel/internal/invariant"
)

// checkedAtOnce is how many nodes one Check looks at: all of a small core, and
// of thousands a part, another each time.
const checkedAtOnce = 128

// Check panics with an invariant.Violation where the core is wrong about
// itself in a way that costs too much to look for after each step of a daemon.
// Step calls it where invariant.Enabled, the simulator after each step.
//
// A node that is filed later than its own due time sleeps through what it has
// to do, until something else happens to touch it. So whoever changes what a
// deadline is derived from must touch that node in the same step. One whose due
// time has passed although it has just acted would act again and again.
//
// Rule: S2.8, S2.10.
func (c *Core) Check() {
	for _, m := range c.masters[:min(len(c.masters), checkedAtOnce)] {
		if m.failover.state == stateSendNoOne {
			invariant.That(false, "B-712", "a replica of %s has been chosen and not been told", m.name)
		}
	}
	if c.stale != nil {
		invariant.That(false, "S2.8", "%s has acted and is due all the same", nodeText(c.stale))
	}
	n := len(c.deadlines.slots)
	for k := range min(n, checkedAtOnce) {
		s := &c.deadlines.slots[(k+int(c.visits))%n]
		if l, is := s.n.(*link); is {
			l.checkDowns()
		}
		// Texts are made only where something is wrong: this runs after each step.
		if due := c.exactDue(s.n); s.due > due && s.due > due+c.alignmentSlack(s.n) {
			invariant.That(false, "S2.8", "%s is filed for %v, and due at %v", nodeText(s.n), s.due, due)
		}
	}
}

// checkDowns: who is down is judged anew when a connection that could not be
// tried can be, but only where nobody is counted as down.
func (l *link) checkDowns() {
	downs := 0
	for _, i := range l.users {
		if i.sdown {
			downs++
		}
	}
	if downs != l.downs {
		invariant.That(false, "B-311", "%d of those behind the link of %s are down, %d counted", downs, l.users[0].name, l.downs)
	}
}

// exactDue is n's due time without what follows from estimates of round trips:
// each answer changes these a little, and nobody is woken up for that.
func (c *Core) exactDue(n node) time.Duration {
	if w, is := n.(*masterNode); is && !c.tilt {
		return min(c.askDue(w.m), c.odownDue(w.m), c.failoverDue(w.m))
	}
	return n.due(c)
}

// alignmentSlack is by how much the due time of n may have come forward since it was
// filed only because the crowd that it takes its turn in has changed (alignTurn).
func (c *Core) alignmentSlack(n node) time.Duration {
	l, ok := n.(*link)
	if i, is := n.(*instance); is {
		l, ok = i.link, true
	}
	if !ok || len(c.conns) < crowded/2 && len(l.users) < 2 {
		return 0
	}
	return c.params.infoPeriod / 20
}

func nodeText(n node) string {
	switch n := n.(type) {
	case *link:
		return "the link of " + n.users[0].name
	case *instance:
		return n.kind.String() + " " + n.name
	case *masterNode:
		return "the watch of " + n.m.name
	}
	return "the script queue"
}
