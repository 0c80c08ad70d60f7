package sim

import (
	"strings"
	"time"

	"gosentinel/replication"
	"gosentinel/sentinel"
)

// outage is what a Sentinel makes of a master, as its core sees it at once: its
// events are told when they are on disk.
type outage struct {
	down    bool
	movedAt time.Duration   // when it took the master's address for its own
	history map[Addr]string // the id of the data set that each instance told last
}

// outageOf follows the events of a core that change what it knows of a master's
// data set: a switch forgets what the instances told, but for the new master;
// an SDOWN, or a failover without one, notes anew what they tell now.
//
// Rule: B-731, ADR 0004.
func (k *checker) outageOf(n *Node, e sentinel.Event) {
	f := strings.Fields(e.Payload)
	nw := k.node(n)
	switch {
	case e.Name == "+switch-master":
		o := outage{movedAt: k.w.now, history: map[Addr]string{}}
		to := addrOf(strings.Join(f[3:], " "))
		to.IP = k.w.meant(to.IP)
		h := nw.infos[to]
		if in := replication.ParseInfo([]byte(h.text)); in.Role == replication.Master && h.asked >= nw.outages[f[0]].movedAt {
			o.history[to] = in.ReplID
		}
		nw.outages[f[0]] = o
	case len(f) < 2 || f[0] != "master":
	case e.Name == "-sdown", e.Name == "+reset-master":
		o := nw.outages[f[1]]
		o.down = false
		nw.outages[f[1]] = o
		if e.Name == "+reset-master" {
			k.forgotReplicas(n, f[1])
		}
	case e.Name == "+sdown", e.Name == "+try-failover" && !nw.outages[f[1]].down:
		o := nw.outages[f[1]]
		old := o.history
		o.down, o.history = e.Name == "+sdown", map[Addr]string{}
		nw.outages[f[1]] = o
		for _, i := range k.w.insts {
			switch mine, known := k.shows(n, f[1], i.addr), k.toldSinceSwitch(n, f[1], i.addr); {
			case mine && !known && old[i.addr] != "":
				o.history[i.addr] = old[i.addr]
			case !known:
			case mine: // its own, though it may have been made a replica
				o.history[i.addr] = replication.ParseInfo([]byte(nw.infos[i.addr].text)).ReplID
			default:
				k.noteHistory(n, i.addr)
			}
		}
	}
}

// forgotReplicas: a Sentinel that was made to forget the replicas of a master has
// to hear from each anew.
//
// Rule: B-104.
func (k *checker) forgotReplicas(n *Node, name string) {
	nw := k.node(n)
	for _, i := range k.w.insts {
		if i.opt.Group == name && !k.shows(n, name, i.addr) {
			delete(nw.infos, i.addr)
			delete(nw.oks, i.addr)
			delete(nw.outages[name].history, i.addr)
		}
	}
}

// noteHistory takes the replication id that an instance told last for one of the
// data set of its group's master, if it is that itself or a replica that has
// been linked to it.
//
// Rule: ADR 0004.
func (k *checker) noteHistory(n *Node, from Addr) {
	i := k.w.Instance(from)
	if i == nil || k.node(n).outages[i.opt.Group].history == nil || !k.toldSinceSwitch(n, i.opt.Group, from) {
		return
	}
	name := i.opt.Group
	in := replication.ParseInfo([]byte(k.node(n).infos[from].text))
	if in.Role == replication.Master && k.shows(n, name, from) ||
		in.Role == replication.Replica && in.LinkDown >= 0 && (k.follows(n, name, in) || k.followsDown(n, name, in)) {
		k.node(n).outages[name].history[from] = in.ReplID
	}
}

// shows reports whether n shows at as the master.
func (k *checker) shows(n *Node, name string, at Addr) bool {
	v := n.view[name]
	return at == Addr{k.w.meant(v.IP), v.Port}
}

// toldSinceSwitch reports whether the last INFO of an instance counts for the
// address that n watches now. What was asked of its new master before, as of a
// replica, is not read any more.
//
// Rule: B-731.
func (k *checker) toldSinceSwitch(n *Node, name string, from Addr) bool {
	h, movedAt := k.node(n).infos[from], k.node(n).outages[name].movedAt
	if k.shows(n, name, from) {
		return h.asked >= movedAt
	}
	return h.at >= movedAt
}

// follows reports whether an INFO is of a replica of the master that n shows.
func (k *checker) follows(n *Node, name string, in replication.Info) bool {
	at, ok := n.view[name]
	return ok && k.sameHost(at, Addr{in.MasterHost, in.MasterPort})
}

// followsDown reports whether an INFO is of a replica of the address that n sees
// down, while it may show that of a replica that it promotes.
func (k *checker) followsDown(n *Node, name string, in replication.Info) bool {
	down := k.of(n, name).down
	return down != Addr{} && k.sameHost(down, Addr{in.MasterHost, in.MasterPort})
}

// dataSets are the replication ids that belong to the data set of the master
// that n shows, as far as n has heard: those of the master itself and of all
// replicas that have been linked to it. Sure if the master has told its.
//
// Rule: ADR 0004.
func (k *checker) dataSets(n *Node, name string) (ids map[string]bool, sure bool) {
	history := k.node(n).outages[name].history
	at := n.view[name]
	ids = map[string]bool{}
	for _, id := range history { // any order: it is a set
		ids[id] = true
	}
	delete(ids, "")
	return ids, history[Addr{k.w.meant(at.IP), at.Port}] != ""
}
