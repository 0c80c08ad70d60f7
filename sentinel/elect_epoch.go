package sentinel

import (
	"strconv"
	"time"

	"gosentinel/quorum"
)

// epochEvery is the least time between two adoptions of a current epoch that is
// only heard of: each is an event, a script and a write, and whoever may
// publish on a hello channel can make thousands of epochs a second.
const epochEvery = time.Second

// heardEpoch is the highest current epoch that hellos tell. Hellos of a new
// configuration, and own attempts, take it over at once; else it is adopted
// once each epochEvery. It is a node: it adopts what has waited. The zero value
// has heard of none.
//
// Rule: B-431, S-5.
type heardEpoch struct {
	place
	epoch quorum.Epoch
	by    *master       // whose hello told it
	next  time.Duration // not adopted before
}

func (h *heardEpoch) act(c *Core) {
	if h.epoch > c.epoch && h.next <= c.now.Mono {
		c.adoptHeard()
	}
}

func (h *heardEpoch) due(c *Core) time.Duration {
	if h.epoch <= c.epoch {
		return farAway
	}
	return h.next
}

// hearEpoch takes the current epoch of a hello about m.
//
// Rule: B-431.
func (c *Core) hearEpoch(e quorum.Epoch, m *master) {
	h := &c.heard
	if e <= c.epoch || e <= h.epoch {
		return
	}
	h.epoch, h.by = e, m
	if h.next <= c.now.Mono {
		c.adoptHeard() // before what else the hello tells
		return
	}
	c.touch(h)
}

// adoptHeard adopts the highest epoch that hellos have told.
func (c *Core) adoptHeard() {
	h := &c.heard
	if h.epoch <= c.epoch {
		return
	}
	// Also where a new configuration adopts at once: what is heard next waits its second.
	h.next = c.now.Mono + epochEvery
	m := h.by
	if m.gone {
		m = nil // it is watched no more: its script has nothing to hear
	}
	c.adoptEpoch(h.epoch, m)
}

// adoptEpoch raises the current epoch to one heard of.
//
// Rule: B-431, B-610.
func (c *Core) adoptEpoch(e quorum.Epoch, m *master) {
	if e <= c.epoch {
		return
	}
	c.epoch = e
	c.change()
	c.sayNow(LevelWarning, "+new-epoch", strconv.FormatUint(uint64(e), 10), m)
}

// newEpoch is an epoch for an own attempt, above all that was heard of.
//
// Rule: B-602, S-5.
func (c *Core) newEpoch() quorum.Epoch {
	// Not marked as changed here: each caller changes its master next, and one write covers both.
	c.epoch = max(c.epoch, c.heard.epoch) + 1
	return c.epoch
}
