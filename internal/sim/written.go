package sim

import "gosentinel/conf"

// saved compares the file with what it was: no epoch falls (I-4).
func (k *checker) saved(n *Node) {
	nw, now := k.node(n), n.Disk.saved
	was := nw.disk
	nw.disk = now
	if now.CurrentEpoch < was.CurrentEpoch && !k.tainted {
		k.fail(n.name, "I-4", "writes current epoch %d over %d", now.CurrentEpoch, was.CurrentEpoch)
	}
	for i, m := range now.Masters {
		var old *conf.Master
		if i < len(was.Masters) && was.Masters[i].Name == m.Name {
			old = was.Masters[i]
		} else {
			old = masterIn(was, m.Name)
		}
		if old == nil || old == m || k.tainted {
			continue
		}
		back := n.opt.Original && m.ConfigEpoch == k.of(n, m.Name).epoch // B-530 sets it, whatever it was
		if m.ConfigEpoch < old.ConfigEpoch && !back || m.LeaderEpoch < old.LeaderEpoch {
			k.fail(n.name, "I-4", "writes epochs %d/%d of %s over %d/%d", m.ConfigEpoch, m.LeaderEpoch, m.Name, old.ConfigEpoch, old.LeaderEpoch)
		}
	}
}
