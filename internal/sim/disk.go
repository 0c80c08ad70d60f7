package sim

import (
	"slices"
	"time"

	"gosentinel/conf"
	"gosentinel/sentinel"
)

// Disk holds the sentinel.conf of one Sentinel. A write replaces it as a
// whole, as rename does; it can take long, fail, never return or be lost.
type Disk struct {
	Latency time.Duration // what a write takes
	Jitter  time.Duration // added to it, at random below it
	Failing bool          // writes return an error and change nothing
	Stalled bool          // writes do not return until Unstall
	Lying   bool          // writes return before they are on disk; a crash loses the last one
	Torn    bool          // a crash during a write leaves the new content, not the old

	node    *Node
	saved   conf.State // what a restart finds
	sure    conf.State // what is on disk even if Lying
	seq     sentinel.Seq
	started time.Duration
	busy    bool
	dirty   bool
	writing conf.State
	copies  map[*conf.Master]*conf.Master
	writes  int  // finished or begun, in all lives
	behind  bool // the last write failed
}

// Saved is what the file says now.
func (d *Disk) Saved() conf.State { return d.saved }

// Writes is how many writes have begun.
func (d *Disk) Writes() int { return d.writes }

// want notes that there is something to write.
func (d *Disk) want() { d.dirty = true }

// kick starts a write if the disk is free and there is something to write.
func (d *Disk) kick() {
	if d.busy || !d.dirty || d.node.core == nil {
		return
	}
	state, seq := d.node.core.Durable()
	d.dirty, d.busy = false, true
	d.writing, d.seq, d.started = d.snapshot(state), seq, d.node.w.now
	d.writes++
	if d.node.w.crashPoint(d.node, d.writes, false) {
		return
	}
	d.finishLater()
}

func (d *Disk) finishLater() {
	if !d.Stalled {
		w := d.node.w
		w.after(d.Latency+w.rng.Duration(d.Jitter), d, uint64(d.writes))
	}
}

// Unstall lets the write that hangs go on.
func (d *Disk) Unstall() {
	if !d.Stalled {
		return
	}
	d.Stalled = false
	if d.busy {
		d.finishLater()
	}
}

// fire is the end of write number num.
func (d *Disk) fire(num uint64) {
	if !d.busy || num != uint64(d.writes) || d.Stalled {
		return
	}
	d.busy = false
	reason := ""
	if d.Failing {
		reason = "No space left on device"
		d.behind = true
	} else {
		d.behind = false
		d.saved = d.writing
		if !d.Lying {
			d.sure = d.saved
		}
		d.node.w.check.saved(d.node)
		if d.node.w.crashPoint(d.node, d.writes, true) {
			return
		}
	}
	seq, took := d.seq, d.node.w.now-d.started
	d.node.do(func() { d.node.written(seq, took, reason) })
}

// crashed is what a crash of the process does to a write under way.
func (d *Disk) crashed() {
	if d.busy && d.Torn && !d.Failing {
		d.saved, d.sure = d.writing, d.writing
	}
	if d.Lying {
		d.saved = d.sure
	}
	if d.behind || d.Lying {
		d.node.w.check.tainted = true
		d.behind = false
	}
	d.busy, d.dirty = false, false
}

// snapshot copies a state as it is now, so that a core that changes what it
// has handed on is found out by what a restart sees.
func (d *Disk) snapshot(s conf.State) conf.State {
	masters := make([]*conf.Master, len(s.Masters))
	fresh := make(map[*conf.Master]*conf.Master, len(s.Masters))
	for i, m := range s.Masters {
		c := d.copies[m]
		if c == nil {
			c = copyMaster(m)
		}
		fresh[m], masters[i] = c, c
	}
	d.copies = fresh
	s.Masters = masters
	return s
}

func copyMaster(m *conf.Master) *conf.Master {
	c := *m
	c.Renames = slices.Clone(m.Renames)
	c.Replicas = slices.Clone(m.Replicas)
	c.Sentinels = slices.Clone(m.Sentinels)
	if m.AuthPass != nil {
		c.AuthPass = new(*m.AuthPass)
	}
	if m.AuthUser != nil {
		c.AuthUser = new(*m.AuthUser)
	}
	return &c
}
