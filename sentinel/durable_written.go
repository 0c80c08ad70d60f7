package sentinel

import (
	"time"

	"gosentinel/quorum"
)

// votingSuspension is the caution of a Sentinel that started with a file that it cannot
// write: votes of its former life may be missing from it. It votes for nobody
// at first, then only above what it has heard of by then. The shell tells by a
// Persisted of Seq 0 that failed.
//
// Rule: E-45.
type votingSuspension struct {
	until time.Duration // never = none
	floor quorum.Epoch  // highest epoch heard of until then
}

// suspensionSpan is how long such a Sentinel listens before it votes (E-45).
const suspensionSpan = 5 * time.Second

// forbids reports whether there may be no vote in epoch now; while it listens
// it takes note of what it hears.
func (a *votingSuspension) forbids(now time.Duration, epoch quorum.Epoch) bool {
	a.hear(now, epoch)
	return a.until != never && (now < a.until || epoch <= a.floor)
}

func (a *votingSuspension) hear(now time.Duration, epoch quorum.Epoch) {
	if now < a.until {
		a.floor = max(a.floor, epoch)
	}
}

// persisted takes the outcome of a write. One that failed releases what waited
// for it all the same, unless strict-durability is on; the shell retries until
// it is written.
//
// Rule: R-8, E-43.
func (c *Core) persisted(in Persisted) {
	c.saveError = in.Reason
	c.diskProven = true
	c.writeReturned(in)
	c.slowDisk = in.Reason != "" || in.Took > slowWrite
	if in.Reason != "" && in.Seq == 0 && c.votingSuspended.until == never {
		c.votingSuspended.until = c.now.Mono + suspensionSpan
		c.withdrawUnwrittenVotes()
	}
	if in.Reason != "" && c.general.StrictDurability {
		return
	}
	c.durableSeq = max(c.durableSeq, in.Seq)
	rest := c.waiting[:0]
	for _, w := range c.waiting {
		if w.seq > c.durableSeq {
			rest = append(rest, w)
			continue
		}
		// Its candidate has asked each renew meanwhile, unheard behind this answer (L-6).
		w.m.ballot.Written(c.now.Mono-w.m.timing(c).Renew(), w.epoch)
		c.touch(&w.m.node)
	}
	clear(c.waiting[len(rest):])
	c.waiting = rest
	// These first: what peers ask behind an answer is heard when that has left.
	c.sendDeferredReplies()
	c.openVoteReplyGates()
}

// deferredReply is the answer to a vote request of the time in which nothing is
// known of the disk: it is kept here, and not in the Outbox, until the write of
// the vote has returned, so that it can be taken back.
//
// Rule: E-40, E-45.
type deferredReply struct {
	answer Respond
	m      *master
	down   int64 // our opinion, in it
	seq    Seq   // covers the vote that it shows
}

// sendDeferredReplies gives the kept answers whose votes have settled, as they were when
// they were asked for: newer votes wait for their own writes.
//
// Rule: E-40.
func (c *Core) sendDeferredReplies() {
	rest := c.deferredReplies[:0]
	for _, k := range c.deferredReplies {
		if k.seq > c.durableSeq {
			rest = append(rest, k)
			continue
		}
		c.emitNow(k.answer)
	}
	clear(c.deferredReplies[len(rest):])
	c.deferredReplies = rest
}

// withdrawUnwrittenVotes takes back the votes that were cast before it was known that the file
// cannot be written, our own among them: a disk that hangs may tell it late.
// Nobody has heard of them, and the former life may have voted for others.
//
// Rule: E-45, S-2.
func (c *Core) withdrawUnwrittenVotes() {
	for _, w := range c.waiting {
		m := w.m
		if !m.ballot.Withdraw() {
			continue
		}
		if m.failover.state != stateNone && !m.node.entry().gone {
			c.event(LevelWarning, "-failover-abort-not-elected", &m.instance, "")
			c.endAttempt(m)
		}
		c.touch(&m.node)
	}
	for _, k := range c.deferredReplies {
		c.emit(Respond{ID: k.answer.ID, Value: k.m.showVote(k.down)})
	}
	c.deferredReplies = nil
}
