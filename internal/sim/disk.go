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
	probing bool          // the job under way writes nothing
	known   bool          // this process has begun a write, or a probe succeeded
	failing bool          // the last job failed
	wait    time.Duration // from then to the next attempt
	retryAt time.Duration
	writing conf.State
	copies  map[*conf.Master]*conf.Master
	jobs    int  // begun, in all lives
	writes  int  // of them, real ones
	behind  bool // the last write failed
}

// Saved is what the file says now.
func (d *Disk) Saved() conf.State { return d.saved }

// excused reports whether what this Sentinel says may not be on disk: its last
// write failed, and it carries on.
func (d *Disk) excused() bool { return d.behind && !d.node.opt.Boot.StrictDurability }

// Writes is how many writes have begun.
func (d *Disk) Writes() int { return d.writes }

// want notes that there is something to write.
func (d *Disk) want() { d.dirty = true }

// Back-off between attempts after a failed write, as the daemon has it.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = time.Minute
)

// kick starts a write if the disk is free and there is something to write, or
// if it is time to try again. A process begins with a probe, unless it has to
// write anyway.
//
// Rule: R-8, E-45.
func (d *Disk) kick() {
	n := d.node
	if d.busy || n.core == nil {
		return
	}
	switch {
	case d.dirty:
		d.probing = false
	case d.failing && n.w.now >= d.retryAt:
		d.probing = !d.known
	case !d.known && !d.failing:
		d.probing = true
	default:
		return
	}
	d.busy, d.started = true, n.w.now
	d.jobs++
	if !d.probing {
		state, seq := n.core.Durable()
		d.dirty, d.known = false, true
		d.writing, d.seq = d.snapshot(state), seq
		d.writes++
		if n.w.crashPoint(n, d.writes, false) {
			return
		}
	}
	d.finishLater()
}

func (d *Disk) finishLater() {
	if !d.Stalled {
		w := d.node.w
		w.after(d.Latency+w.rng.Duration(d.Jitter), d, uint64(d.jobs))
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

// fire is the end of job number num.
func (d *Disk) fire(num uint64) {
	if !d.busy || num != uint64(d.jobs) || d.Stalled {
		return
	}
	n := d.node
	d.busy = false
	failed := d.failing
	d.failing = d.Failing
	reason := ""
	if d.Failing {
		reason = "No space left on device"
		d.wait = min(max(firstRetry, 2*d.wait), lastRetry)
		d.retryAt = n.w.now + d.wait
		life := n.life
		n.w.after(d.wait, call(func() {
			if n.life == life {
				n.do(n.finish)
			}
		}), 0)
	} else {
		d.wait, d.known = 0, true
	}
	probe, took := d.probing, n.w.now-d.started
	if probe {
		if failed || d.failing {
			n.do(func() {
				n.w.check.probed(n, reason != "")
				n.step(sentinel.Persisted{Took: took, Reason: reason})
			})
		}
		return
	}
	d.behind = d.failing
	if !d.failing {
		d.saved = d.writing
		if !d.Lying {
			d.sure = d.saved
		}
		n.w.check.saved(n)
		if n.w.crashPoint(n, d.writes, true) {
			return
		}
	}
	seq := d.seq
	n.do(func() { n.written(seq, took, reason) })
}

// crashed is what a crash of the process does to a write under way.
func (d *Disk) crashed() {
	if d.busy && !d.probing && d.Torn && !d.Failing {
		d.saved, d.sure = d.writing, d.writing
	}
	if d.Lying {
		d.saved = d.sure
	}
	if d.excused() || d.Lying {
		d.node.w.check.tainted = true
	}
	d.behind = false
	d.busy, d.dirty, d.known, d.failing, d.wait = false, false, false, false, 0
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
