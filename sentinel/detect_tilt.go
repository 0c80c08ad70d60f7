package sentinel

import (
	"fmt"
	"time"
)

// stallMin is how much later than asked for a step must come to count as a
// stall of our own. The ping clocks stand still for that long, since nobody
// could answer somebody who was not listening; after one that means TILT they
// restart. Well above scheduling noise, well below the shortest down-after
// anybody uses. They do not restart after each stall: a Sentinel on a busy
// machine, stalled more often than once per down-after, would never see
// anybody down.
const stallMin = 150 * time.Millisecond

// checkStall looks, before anything else in a step, how late the loop is.
//
// Rule: B-801, R-9, R-18.
func (c *Core) checkStall() {
	gap := c.now.Mono - c.lastTick
	late := gap - tickEvery
	if late > stallMin {
		c.stalled += late
	}
	if gap > c.params.tiltTrigger {
		c.enterTilt(fmt.Sprintf("the event loop was late by %d ms", late.Milliseconds()))
	}
	if late > stallMin {
		// Else the same stall counts once more with each input until the next Tick.
		c.lastTick = c.now.Mono
	}
	if c.tilt && c.now.Mono-c.tiltAt >= c.params.tiltPeriod {
		c.tilt = false
		c.sayNow(LevelWarning, "-tilt", "#tilt mode exited", nil)
		for _, m := range c.masters {
			c.postponed(m)
		}
		c.touchAll()
	}
}

// enterTilt begins a TILT, or begins it anew.
//
// Rule: B-801, R-9.
func (c *Core) enterTilt(why string) {
	c.tilt, c.tiltAt, c.lastTick, c.lateTick = true, c.now.Mono, c.now.Mono, c.now.Mono
	c.sayNow(LevelWarning, "+tilt", "#tilt mode entered", nil)
	c.logLine(LevelWarning, "TILT because "+why)
}

// postponed lets a manual failover that waits for its votes begin at the end of
// a TILT, in which nobody could be asked for one.
//
// Rule: B-740, B-803, E-61, E-63.
func (c *Core) postponed(m *master) {
	f := &m.failover
	if !f.kind.waitsOutTilt() || f.state != stateWaitStart {
		return
	}
	f.startedAt = c.now.Mono
	for _, r := range m.replicas {
		r.infoNow = true
	}
}

// touchAll makes every instance and master act in this step; only for changes
// that concern all of them.
func (c *Core) touchAll() {
	for _, m := range c.masters {
		m.eachInstance(func(i *instance) { c.touch(i) })
		c.touch(&m.node)
	}
}
