package sim

import (
	"fmt"
	"strings"

	"gosentinel/internal/rng"
)

// forger publishes hellos that are not true, as whoever may publish on a
// monitored instance can: strangers, and Sentinels, at addresses that lead to
// other Sentinels, to the receiver itself or to an instance. What they say of
// epochs and masters is what a Sentinel says already. A nil one does nothing.
//
// Rule: E-6, W-29.
type forger struct {
	p     *Plan
	w     *World
	r     *rng.Rand
	names []string // of strangers
}

func newForger(p *Plan, w *World) *forger {
	if !p.Forger || p.Originals > 0 {
		return nil
	}
	f := &forger{p: p, w: w, r: rng.New(p.Seed ^ 0xf0e9)}
	for range 4 {
		f.names = append(f.names, fmt.Sprintf("%016x%016x%08x", f.r.Uint64(), f.r.Uint64(), uint32(f.r.Uint64())))
	}
	return f
}

// one publishes some hellos.
func (f *forger) one() {
	if f == nil {
		return
	}
	for range f.r.IntN(4) {
		id := pick(f.r, f.names...)
		if f.r.Chance(0.6) {
			id = pick(f.r, f.w.nodes...).ID()
		}
		at := pick(f.r, f.w.nodes...).addr
		if f.r.Chance(0.1) {
			at = pick(f.r, f.w.insts...).addr
		}
		to := pick(f.r, f.w.insts...)
		says := pick(f.r, f.w.nodes...).Disk.saved
		d := masterIn(says, to.opt.Group)
		if d == nil {
			continue
		}
		to.Command("PUBLISH", helloChannel, fmt.Sprintf("%s,%d,%s,%d,%s,%s,%d,%d", at.IP, at.Port, id, says.CurrentEpoch, d.Name, d.Addr.Host, d.Addr.Port, d.ConfigEpoch))
		f.p.Faults = append(f.p.Faults, strings.Join([]string{stampText(f.w.now), to.name + ": a hello of", id, "at", at.String()}, " "))
	}
}

// real: whoever leads has the votes of most Sentinels that there are, whatever
// hellos have made of their number.
//
// Rule: I-13, E-6, S-1.
func (k *checker) real(n *Node, name string, epoch uint64, support int) {
	all := k.w.watchers(name)
	known := k.w.allKnown || len(masterIn(n.opt.Boot, name).Sentinels) == all-1
	if known && support < all/2+1 && !k.reset && !k.tainted {
		k.fail(n.name, "I-13", "leads %s in epoch %d with the votes of %d of %d Sentinels", name, epoch, support, all)
	}
}

// acquainted reports whether every Sentinel knows all others.
func (w *World) acquainted() bool {
	for _, n := range w.nodes {
		for _, m := range n.Disk.saved.Masters {
			if len(m.Sentinels) != len(w.nodes)-1 {
				return false
			}
		}
	}
	return true
}

// watchers is how many Sentinels there are that watch a master.
func (w *World) watchers(name string) int {
	n := 0
	for _, o := range w.nodes {
		n += b2i(masterIn(o.opt.Boot, name) != nil || masterIn(o.Disk.saved, name) != nil)
	}
	return n
}
