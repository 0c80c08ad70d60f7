package sentinel

import (
	"fmt"
	"time"
)

// cannotLook notes that we could not even try to connect to what is behind l,
// for want of descriptors, ports or memory of our own. That is no sign of its
// death: it does not become SDOWN by it, though it stays so if it was. It is
// said at most once a minute: it concerns all instances alike.
//
// Rule: B-310.
// Departs: ADR 0002.
func (c *Core) cannotLook(l *link, cn *conn, reason string) {
	l.unseen = l.unseen || !cn.pubsub
	if c.unseenTold != never && c.now.Mono-c.unseenTold < time.Minute {
		return
	}
	c.unseenTold = c.now.Mono
	c.warnNow(fmt.Sprintf("No connection to %s can be tried: %s. It is not taken for dead by that", l.users[0].describe(c), reason))
}

// lookAgain lets the silence of what is behind l count again, from now, before
// another attempt to connect.
func (c *Core) lookAgain(l *link) {
	if !l.unseen {
		return
	}
	l.unseen = false
	if l.downs == 0 {
		l.waits, l.pendingSince, l.pendingStall = true, c.now.Mono, c.stalled
	}
}
