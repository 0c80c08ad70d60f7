package sentinel

import (
	"fmt"
	"time"
)

// sickAfter is how long one write may be under way before its disk counts as
// sick: far longer than a slow disk takes, and as long as the other Sentinels
// can wait.
const sickAfter = time.Second

// disk is what is known of the disk. The shell writes one state at a time and
// begins with the next as soon as one has returned and something is dirty, so
// the core knows when the write under way began.
//
// Rule: R-8, E-14, E-17.
type disk struct {
	told    Seq           // covered by the last write that has returned, well or not
	began   time.Duration // the write under way; never = none
	stall   time.Duration // Core.stalled then
	failing bool          // strict-durability: what waits has not been written yet, but the disk answers
	sick    bool          // it has been so for too long
}

// writeBegins notes that the state has become dirty: if no write is under way,
// one begins now.
func (c *Core) writeBegins() {
	if d := &c.disk; d.began == never {
		d.began, d.stall = c.now.Mono, c.stalled
	}
}

// writeReturned notes that a write has come back. What became dirty meanwhile
// is written next, at once. Under strict-durability one that failed is tried
// again later, and nothing is settled till then.
func (c *Core) writeReturned(in Persisted) {
	d := &c.disk
	d.told = max(d.told, in.Seq)
	if in.Reason != "" && in.Seq > 0 && c.general.StrictDurability {
		d.failing = true
	} else {
		d.failing, d.began = false, never
		if c.seq > d.told {
			c.writeBegins()
		}
	}
	if !d.sick {
		return
	}
	// One that answers with errors is no longer stuck, but under strict-durability still keeps from
	// leading.
	d.sick = d.failing
	c.emitNow(DiskSick{On: d.sick})
	if !d.sick {
		c.warnNow(fmt.Sprintf("The configuration could be written again, after %d ms", in.Took.Milliseconds()))
		c.touchAll()
	}
}

// diskDue is when the disk counts as sick if it does not answer before. Our own
// stalls are left out: its answer may lie there unread.
func (c *Core) diskDue() time.Duration {
	d := &c.disk
	if d.sick || d.began == never {
		return farAway
	}
	return d.began + c.stalled - d.stall + sickAfter + 1
}

// checkDisk looks whether the write under way takes too long. A Sentinel with a
// sick disk can neither vote nor lead, and what it says of itself may be old:
// it stands for no election, lets its voters go, and to clients and peers it
// looks as stuck as the original is then. What it hears it follows all the same.
//
// Rule: R-8, E-14, E-17.
func (c *Core) checkDisk() {
	if c.now.Mono < c.diskDue() {
		return
	}
	d := &c.disk
	d.sick = true
	// A disk that answers with errors keeps us from leading, but not from answering.
	c.emitNow(DiskSick{On: true, Silent: !d.failing})
	text := "A write of the configuration has been under way for more than a second: no client or peer is answered, and no failover led, until it returns"
	if d.failing {
		text = "The configuration could not be written for more than a second: no failover is led until it is"
	}
	c.warnNow(text)
	c.touchAll()
}

// warnNow writes a warning to the log, whatever is not on disk yet.
func (c *Core) warnNow(text string) {
	c.emitNow(Emit{Event{Payload: text, Level: LevelWarning, LogOnly: true}})
}
