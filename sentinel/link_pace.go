package sentinel

import "time"

// Idle traffic costs by the packet, at both ends, and little by the command in
// it. So what an instance is to be sent within half a ping period of a PING
// goes out with it: INFO and the hello with the PING that comes before them, or
// the PING with them. And thousands of instances that were connected to at one
// time take their turns, each at its own moment of the period, rather than all
// at once. Periods are upper limits: what is early is right.
//
// Rule: R-22, B-301, B-410, B-501, docs/architecture.md, the shell.

// phase is the next of a sequence of parts of d, from 0 up to d, that fill it
// evenly however many are drawn: those of the golden ratio.
func (c *Core) phase(d time.Duration) time.Duration {
	c.phases++
	share := time.Duration(c.phases * 0x9E3779B97F4A7C15 >> 40)
	return d>>24*share + d&(1<<24-1)*share>>24 // d*share may not fit
}

// staggerTurns lets the next PING, INFO and hellos on a connection just
// established come before their time, each link by another part of the period.
func (c *Core) staggerTurns(l *link) {
	l.early = c.phase(l.pingPeriod(c))
	for _, i := range l.users {
		i.helloEarly = c.phase(c.params.publishPeriod)
		i.infoEarly = c.phase(c.params.infoPeriod)
	}
}

// slack is how much before its time a command may go out to be in one packet
// with another.
func (l *link) slack(c *Core) time.Duration { return l.pingPeriod(c) / 2 }

// sendAheadUntil is up to when i may be sent now what is due: later than now when a
// PING goes out, because it is due soon itself and something else is due now.
func (c *Core) sendAheadUntil(i *instance) time.Duration {
	l, now := i.link, c.now.Mono
	if !l.dual {
		return now
	}
	soon := now + l.slack(c)
	if l.lastPing == now {
		return soon
	}
	if min(c.infoDue(i), c.helloDue(i)) <= now && !l.waits && l.pingDue(c) <= soon {
		c.ping(l)
		c.touch(l)
		return soon
	}
	return now
}

// sendAhead lets the instance behind l, which is sent a PING now, be sent what
// is due soon.
func (c *Core) sendAhead(l *link) {
	if i := l.users[0]; l.dual && min(c.infoDue(i), c.helloDue(i)) <= c.now.Mono+l.slack(c) {
		c.touch(i)
	}
}

// turnBatch is how many instances of a crowd take their turn at one moment, so that
// the shell wakes up once for them. Four times as many gained nothing that could be
// measured (docs/measurements.md).
const turnBatch = 16

// alignTurn moves the time of something that happens once in each period, and that
// n others do too, forward to a moment that it shares with about bunch of them.
func alignTurn(due, period time.Duration, n int) time.Duration {
	grid := max(1, min(period/20, period*turnBatch/time.Duration(n)))
	return due - due%grid
}

// crowded is how many connections make a crowd.
const crowded = 64

// turn is gather for what goes out on l: one of all links, or, if it is about
// one of many masters to one peer, one of those.
func (c *Core) turn(l *link, due, period time.Duration) time.Duration {
	switch {
	case len(l.users) > 1:
		return alignTurn(due, period, len(l.users))
	case len(c.conns) >= crowded:
		return alignTurn(due, period, len(c.conns)/2)
	}
	return due
}
