package sim

import (
	"fmt"
	"time"

	"gosentinel/quorum"
)

// HostRestart gives power back to a host and starts what lived on it.
func (w *World) HostRestart(ip string, empty bool) {
	w.HostUp(ip)
	for _, i := range w.insts {
		if i.host.ip == ip {
			i.Start(empty)
		}
	}
	for _, n := range w.nodes {
		if n.host.ip == ip {
			n.Start()
		}
	}
}

// Heal undoes all faults: cuts, dead hosts and processes, stops, disks.
func (w *World) HealFaults() {
	w.HealAll()
	for _, i := range w.insts {
		w.HostUp(i.host.ip)
		i.Resume()
		i.Start(false)
		i.InfoDelay, i.Busy, i.DenyInfo, i.IgnoreRole, i.FailRewrite = 0, false, false, false, false
	}
	for _, n := range w.nodes {
		w.HostUp(n.host.ip)
		n.Disk.Failing, n.Disk.Lying, n.Disk.Torn = false, false, false
		n.Disk.Latency, n.Disk.Jitter = w.opt.Fsync, 0
		n.Disk.Unstall()
		n.Wake()
		n.Resume()
		n.Start()
	}
}

const (
	settleStep = 20 * time.Millisecond
	settleHold = 2 * time.Second
)

// Settle undoes all faults and lets time pass until all agree, and go on doing
// so for two seconds: every Sentinel names the same master, it is one, and all
// other instances of it follow it. It says how long that took, or after limit
// why it has not happened.
//
// Rule: I-11.
func (w *World) Settle(limit time.Duration) (took time.Duration, why string) {
	w.HealFaults()
	start := w.now
	good := start
	for {
		if why = w.disagreement(); why != "" {
			good = w.now + settleStep
			if w.now-start > limit {
				return w.now - start, why
			}
		} else if w.now-good >= settleHold {
			return good - start, ""
		}
		w.Run(settleStep)
	}
}

// disagreement says what keeps the world from being in order, or "".
func (w *World) disagreement() string {
	for _, g := range w.groups {
		var master Addr
		for _, n := range w.nodes {
			if !n.up {
				return n.name + " is down"
			}
			at, ok := n.View(g)
			if !ok {
				continue
			}
			at.IP = w.ip(at.IP)
			if master == (Addr{}) {
				master = at
			}
			if at != master && !w.apart(n, g) && !(w.outnumbered(g) && w.inOneEpoch(g)) {
				return fmt.Sprintf("%s has %s as %s, others %s", n.name, at, g, master)
			}
		}
		if w.stranded(g, master) || w.outnumbered(g) {
			continue
		}
		home := w.Instance(master)
		for _, i := range w.insts {
			if i.opt.Group != g || i.opt.Stray || home != nil && i.opt.Cluster && !home.opt.Cluster {
				continue // not of this group, whatever the Sentinels were told
			}
			if i.addr == master {
				if !i.IsMaster() && !w.forgotten(g) {
					return fmt.Sprintf("%s is not a master", i.name)
				}
				continue
			}
			if w.check.reset {
				continue // a replica that follows another may have been forgotten for good
			}
			if w.check.fresh && !w.isKnown(i) {
				continue
			}
			if i.IsMaster() {
				return fmt.Sprintf("%s is a master, as %s", i.name, master)
			}
			if to := i.Master(); w.ip(to.IP) != master.IP || to.Port != master.Port || !i.Synced() {
				return fmt.Sprintf("%s follows %s, not %s", i.name, to, master)
			}
		}
	}
	return ""
}

// stranded reports whether only an operator can help: the configured master has
// come back as a replica, and nobody else has a key or has been linked to a
// master since its start. An empty replica is not promoted by itself.
//
// Rule: E-81. Departs: ADR 0004.
func (w *World) stranded(group string, master Addr) bool {
	if i := w.Instance(master); i == nil || i.IsMaster() || i.Synced() {
		return false
	}
	for _, i := range w.insts {
		if i.opt.Group == group && !i.opt.Stray && i.addr != master && (i.IsMaster() || !i.empty || i.link.downSince != -1) {
			return false
		}
	}
	return true
}

// outnumbered reports whether forged hellos have made so many voters that those
// who are true can never win: one that a file names counts for good, as it may be
// a Sentinel that is only out of reach. RESET forgets it.
//
// Rule: E-6, W-28.
func (w *World) outnumbered(group string) bool {
	for _, n := range w.nodes {
		if masterIn(n.Disk.saved, group) == nil {
			continue
		}
		if voters, size := w.check.voters(n, group); quorum.Need(voters, size) > w.watchers(group) {
			return true
		}
	}
	return false
}

// inOneEpoch reports whether all Sentinels have a configuration of one epoch, as
// after two forced failovers: only a won election settles which it is.
//
// Rule: E-80.
func (w *World) inOneEpoch(group string) bool {
	epochs := map[uint64]bool{}
	for _, n := range w.nodes {
		if m := masterIn(n.Disk.saved, group); m != nil {
			epochs[m.ConfigEpoch] = true
		}
	}
	return len(epochs) == 1
}

// isKnown reports whether any Sentinel has heard of an instance: a replica is
// listed by its master only, which may have died before it was asked, or before
// the replica linked to it.
//
// Rule: B-102.
func (w *World) isKnown(i *Instance) bool {
	for _, n := range w.nodes {
		if n.acquaintances(i.opt.Group)[i.addr] {
			return true
		}
	}
	return false
}

// apart reports whether RESET made n and all those that have another master forget
// each other, while they watch no instance in common through which they could
// meet again.
//
// Rule: B-104, W-35.
func (w *World) apart(n *Node, group string) bool {
	if !w.check.reset {
		return false
	}
	mine, here := n.acquaintances(group), n.watchedAt(group)
	for _, o := range w.nodes {
		if o == n || o.watchedAt(group) == here {
			continue
		}
		theirs := o.acquaintances(group)
		if mine[o.addr] || theirs[n.addr] {
			return false
		}
		for a := range mine { // any order: one is enough
			if theirs[a] {
				return false
			}
		}
	}
	return true
}

// watchedAt is the address at which n watches the master now.
func (n *Node) watchedAt(group string) Addr {
	if n.core == nil {
		return Addr{}
	}
	state, _ := n.core.Durable()
	if d := masterIn(state, group); d != nil {
		return Addr{n.w.meant(d.Addr.Host), d.Addr.Port}
	}
	return Addr{}
}

// acquaintances are the instances and peers that n knows of a master now: its
// file may tell of those from before a RESET, which is not written for itself.
//
// Rule: B-104, K-2.4.
func (n *Node) acquaintances(group string) map[Addr]bool {
	known := map[Addr]bool{}
	if n.core == nil {
		return known
	}
	state, _ := n.core.Durable()
	if d := masterIn(state, group); d != nil {
		known[Addr{n.w.meant(d.Addr.Host), d.Addr.Port}] = true
		for _, r := range d.Replicas {
			known[Addr{n.w.meant(r.Host), r.Port}] = true
		}
		for _, p := range d.Sentinels {
			known[Addr{n.w.meant(p.Addr.Host), p.Addr.Port}] = true
		}
	}
	return known
}

// forgotten reports whether RESET made all Sentinels forget the replicas of a
// master for good: they are found again only where it lists them, and this one
// is none itself.
//
// Rule: B-102, B-104.
func (w *World) forgotten(group string) bool {
	for _, n := range w.nodes {
		if d := masterIn(n.Disk.saved, group); d != nil && len(d.Replicas) > 0 {
			return false
		}
	}
	return w.check.reset
}

// groupOf is the master that the instance at an address belongs to, or "".
func (w *World) groupOf(a Addr) string {
	if i := w.Instance(a); i != nil {
		return i.opt.Group
	}
	return ""
}

// masterOf is the name of the master that the instance at an address belongs
// to, or, of one that belongs to none, of the master that n watches there.
func (n *Node) masterOf(a Addr) string {
	if name := n.w.groupOf(a); name != "" {
		return name
	}
	for _, d := range n.Disk.saved.Masters {
		if (Addr{n.w.meant(d.Addr.Host), d.Addr.Port}) == a {
			return d.Name
		}
	}
	return ""
}
