package sentinel

import (
	"fmt"
	"time"
)

// sleepMin is the least time asleep, or forward jump of the wall clock, that
// makes what was heard before old: votes may be acted on for so long.
//
// Rule: E-34.
const sleepMin = 500 * time.Millisecond

// slept takes time that has passed while the machine was suspended: the
// monotonic clock does not count it, so that all that was heard before would
// count as fresh. It is a stall of the whole machine: a long one means TILT, and
// after any the ping clocks restart, since connections may have ended unheard.
//
// Rule, E-34, I-16.
func (c *Core) slept(d time.Duration) {
	if d < sleepMin {
		return
	}
	c.lateTick = c.now.Mono
	if d > c.params.tiltTrigger {
		c.enterTilt(fmt.Sprintf("the machine was suspended for %d ms", d.Milliseconds()))
	} else {
		c.warnNow(fmt.Sprintf("The machine was suspended for %d ms", d.Milliseconds()))
	}
	c.age(d)
	c.touchAll()
}

// checkWallClock looks for a wall clock that jumped while monotonic time did
// not. Where a machine stands still with all its clocks, that is the only trace
// of it: so all that was heard before is asked again. That is all that may come
// of a clock that is set: no TILT, and silence counts on.
//
// Rule: R-9, W-21, E-34.
func (c *Core) checkWallClock(from Stamp, in Input) {
	if from.Wall == 0 || c.now.Wall == 0 {
		return
	}
	jump := time.Duration(c.now.Wall-from.Wall)*time.Millisecond - (c.now.Mono - from.Mono)
	if _, told := in.(Slept); told {
		return // it says how long that was
	}
	if jump > c.params.tiltTrigger || -jump > c.params.tiltTrigger {
		c.logLine(LevelWarning, fmt.Sprintf("The system clock jumped by %d ms; no timeout depends on it", jump.Milliseconds()))
	}
	if jump > sleepMin {
		c.age(jump)
	}
}

// age makes all that was heard older by d, and what was asked: opinions, votes,
// INFO and hellos. Who is needed now is asked again at once.
//
// Rule: B-320, E-34, E-50, S-4.
func (c *Core) age(d time.Duration) {
	d = min(d, 365*24*time.Hour) // as old as it needs to be
	back := func(at *time.Duration) {
		if *at > never/2 {
			*at -= d
		}
	}
	for _, cn := range c.conns { // any order: each for itself
		asked := cn.pending.all()
		for k := range asked {
			if asked[k].is != sendPing {
				back(&asked[k].at) // the answer may have waited for us as long
			}
		}
	}
	for _, m := range c.masters {
		m.eachInstance(func(i *instance) {
			back(&i.infoAt)
			i.infoNow = i.infoNow || i.kind != kindPeer && (m.sdown || m.failover.state != stateNone)
			c.touch(i)
		})
		for _, p := range m.peers {
			back(&p.answeredAt)
			back(&p.heardAt)
			back(&p.voteReply.sentAt)
			p.askedAt = never
		}
		if s := m.failover.state; (s == stateWaitStart || s == stateSelectSlave) && d > m.timing(c).Limit() {
			c.outOfTime(m)
		}
		c.touch(&m.node)
	}
}
