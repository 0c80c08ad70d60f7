package sim

import (
	"strconv"
	"time"

	"gosentinel/internal/rng"
)

// byHand switches masters behind the Sentinels' backs, as operators do: a
// replica is made a master, and the master is made its replica. A nil one does
// nothing.
//
// Rule: E-81.
type byHand struct {
	p *Plan
	w *World
	r *rng.Rand
}

func newByHand(p *Plan, w *World) *byHand {
	if !p.ByHand || p.Originals > 0 {
		return nil
	}
	return &byHand{p: p, w: w, r: rng.New(p.Seed ^ 0x4a9d)}
}

// one switches now and then.
func (b *byHand) one() {
	if b == nil || !b.r.Chance(0.04) {
		return
	}
	r := pick(b.r, b.w.insts...)
	m := b.w.Instance(r.Master())
	if r.IsMaster() || !r.well() || !r.Synced() || m == nil || !m.well() || !m.IsMaster() || m.opt.Group != r.opt.Group {
		return
	}
	r.Command("SLAVEOF", "NO", "ONE")
	m.Command("SLAVEOF", r.addr.IP, strconv.Itoa(r.addr.Port))
	b.w.check.switched[m.opt.Group] = handSwitch{old: m, now: r, at: b.w.now, oldLife: m.life, nowLife: r.life, promotions: r.Promotions}
	b.p.Faults = append(b.p.Faults, stampText(b.w.now)+" "+m.name+" and "+r.name+" change places by hand")
}

// well reports whether i runs and serves.
func (i *Instance) well() bool {
	return i.up && !i.paused && !i.Busy && !i.DenyInfo && !i.IgnoreRole && i.InfoDelay == 0 && i.w.now >= i.loadUntil
}

// handSwitch is a switch by hand, and how to know whether it still stands.
type handSwitch struct {
	old, now         *Instance
	at               time.Duration
	oldLife, nowLife uint64
	promotions       int
}

// stands reports whether nothing has happened to the two since.
func (h handSwitch) stands() bool {
	return h.old != nil && h.old.well() && h.now.well() && h.old.life == h.oldLife && h.now.life == h.nowLife &&
		h.now.IsMaster() && h.now.Promotions == h.promotions && h.old.Master() == h.now.addr && h.old.Synced()
}

// needless: while the configured master is a healthy replica of a master, nobody
// is promoted; it has been so for as long as B-311 waits.
//
// Rule: I-15, E-81.
func (k *checker) needless(n *Node, name string, to Addr) {
	h, d := k.switched[name], masterIn(n.Disk.saved, name)
	if n.opt.Original || d == nil || !h.stands() || to == h.now.addr || (Addr{k.w.meant(d.Addr.Host), d.Addr.Port}) != h.old.addr {
		return
	}
	if k.w.now-h.at < d.DownAfter+20*time.Second || k.w.now-k.of(n, name).manualAt < manualPatience {
		return
	}
	for _, i := range []*Instance{h.old, h.now} {
		if k.w.blocked(n.host, i.host) || k.w.blocked(i.host, n.host) {
			return
		}
	}
	k.fail(n.name, "I-15", "promotes %s for %s, though %s is a healthy replica of %s, a master", to, name, h.old.addr, h.now.addr)
}

// manualPatience is how long after it was asked for a manual failover promotes.
const manualPatience = 30 * time.Second
