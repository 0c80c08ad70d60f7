package sim

import (
	"strconv"
	"strings"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/replication"
	"gosentinel/sentinel"
)

// heard is the last INFO that a Sentinel got from an instance.
type heard struct {
	at    time.Duration
	asked time.Duration // when it was asked for
	since time.Duration // since when it comes without long gaps
	text  string
}

// steadyInfo is a gap that INFO does not have while an instance is in reach.
const steadyInfo = 11 * time.Second

// freshInfo is how old an INFO may be that a choice must have looked at.
const freshInfo = time.Second

// okAge is how old the last good reply to PING of a replica may be.
//
// Rule: B-711, five ping periods.
const okAge = 5 * time.Second

// heardOK notes a good reply to PING.
//
// Rule: B-303.
func (k *checker) heardOK(n *Node, from Addr, v resp.Value) {
	if v.Kind == resp.Simple && v.Str == "PONG" || v.Kind == resp.Error && strings.HasPrefix(v.Str, "LOADING") {
		k.node(n).oks[from] = k.w.now
	}
}

// heardInfo notes what an instance tells a Sentinel, before the core reads it.
// What comes on a connection that it wants closed, once its write is done, it
// does not read.
func (k *checker) heardInfo(n *Node, l *link, asked time.Duration, text string) {
	if k.node(n).hung[l.id] {
		return
	}
	from := l.to
	if _, ok := k.node(n).ours[from]; !ok && strings.Contains(text, "gosentinel_version:") {
		k.node(n).ours[from] = k.w.now
	}
	if l.peer {
		return // an instance where a forged hello named a Sentinel
	}
	h := heard{k.w.now, asked, k.w.now, text}
	if old, ok := k.node(n).infos[from]; ok && k.w.now-old.at < steadyInfo {
		h.since = old.since
	}
	k.node(n).infos[from] = h
	k.noteHistory(n, from)
}

// stepped looks at what a core wants done, at the moment it wants it: events
// are told only when their write is done, choices are judged by when they were
// made.
func (k *checker) stepped(n *Node, es []sentinel.Effect) {
	if n.opt.Original {
		return
	}
	for i := range es {
		switch a := es[i].Action.(type) {
		case sentinel.Show:
			k.wantsShown(n, a, es[i].After)
		case *sentinel.Send:
			k.spares(n, a)
		case sentinel.Hangup:
			k.node(n).hung[a.Link] = true
		case sentinel.Emit:
			k.outageOf(n, a.Event)
			k.intends(n, a.Event)
			k.discovery(n, a.Event)
			switch a.Event.Name {
			case "+switch-master":
				k.wantsTold(n, a.Event.Payload, es[i].After)
			case "-tilt":
				k.node(n).awake = k.w.now
			case "+reset-master":
				k.forgotKinds(n, a.Event)
			case "+selected-slave":
				_, rest, _ := strings.Cut(a.Event.Payload, " ")
				_, rest, _ = strings.Cut(rest, " ")
				at, master := replicaOf(rest)
				k.chosen(n, Addr{k.w.meant(at.IP), at.Port}, master)
			}
		}
	}
}

// forgotKinds: a Sentinel that was made to forget its peers has to learn their
// kind on a new link, except where another master shares the old one.
//
// Rule: E-5, B-104, B-122.
func (k *checker) forgotKinds(n *Node, e sentinel.Event) {
	f := strings.Fields(e.Payload)
	shared := map[Addr]bool{}
	for _, m := range n.Disk.saved.Masters {
		for _, p := range m.Sentinels {
			a := Addr{p.Addr.Host, p.Addr.Port}
			shared[a] = shared[a] || len(f) > 1 && m.Name != f[1]
		}
	}
	for a := range k.node(n).ours { // any order: each for itself
		if !shared[a] {
			delete(k.node(n).ours, a)
		}
	}
}

// wantsTold is wantsShown, for +switch-master.
func (k *checker) wantsTold(n *Node, payload string, after sentinel.Seq) {
	f := strings.Fields(payload)
	if len(f) == 5 {
		port, _ := strconv.Atoi(f[4])
		k.wantsShown(n, sentinel.Show{Master: f[0], Host: f[3], Port: port}, after)
	}
}

// durableElsewhere reports whether another Sentinel has announced the address
// in a newer config epoch than the file of n has. It survives in that one's
// file, so n may tell clients of it at once, but not announce it.
//
// Rule: E-40, I-10.
func (k *checker) durableElsewhere(n *Node, master string, epoch uint64, at Addr) bool {
	for a := range k.announced { // any order: one is enough
		if a.master == master && a.epoch > epoch && a.by != n && k.sameHost(a.at, at) {
			return true
		}
	}
	for _, o := range k.w.nodes { // a forged hello may say what is in a file before its owner does
		d := masterIn(o.Disk.saved, master)
		if o != n && d != nil && d.ConfigEpoch > epoch && k.sameHost(Addr{d.Addr.Host, d.Addr.Port}, at) {
			return true
		}
	}
	return false
}

// wantsShown: what clients are told at once is in the file already, or in that
// of a peer that announces it (I-10).
func (k *checker) wantsShown(n *Node, a sentinel.Show, after sentinel.Seq) {
	d := masterIn(n.Disk.saved, a.Master)
	if after != 0 || a.Gone || d == nil || n.Disk.excused() || k.reset {
		return
	}
	if (!strings.EqualFold(d.Addr.Host, a.Host) || d.Addr.Port != a.Port) && !k.durableElsewhere(n, a.Master, d.ConfigEpoch, Addr{a.Host, a.Port}) {
		k.fail(n.name, "I-10", "shows %s:%d for %s before it is written", a.Host, a.Port, a.Master)
	}
}

// chosen compares a replica chosen for promotion with all others that its
// Sentinel knew to be good: none of them may be better, or have the master's
// data set where the chosen one has not. A replica that somebody else has made
// a master already goes first (E-54).
//
// Rule: B-711, E-51, E-54, ADR 0004.
func (k *checker) chosen(n *Node, at Addr, name string) {
	r, ok := k.knows(n, at)
	if k.w.now-k.node(n).awake < freshInfo { // who is down is judged anew
		return
	}
	if !ok || r.Role != replication.Replica {
		return
	}
	ours, sure := k.dataSets(n, name)
	k.unsynced(n, at, name, &r, ours)
	foreign := func(in *replication.Info) bool { return len(ours) > 0 && !ours[in.ReplID] && !ours[in.ReplID2] }
	for _, i := range k.w.insts {
		if i.opt.Group != name || i.addr == at || !k.sound(n, i) {
			continue
		}
		o, ok := k.knows(n, i.addr)
		d := masterIn(n.Disk.saved, name)
		if !ok || d == nil || k.w.now-k.node(n).oks[i.addr] > d.DownAfter {
			continue // it may be SDOWN there
		}
		if k.node(n).infos[i.addr].at <= k.node(n).outages[name].movedAt || o.Role != replication.Replica || o.Priority == 0 || o.LinkDown > d.DownAfter || !k.follows(n, name, o) {
			continue
		}
		switch {
		case sure && foreign(&r) && !foreign(&o):
			k.fail(n.name, "B-711", "chooses %s for %s, of another data set than %s", at, name, i.addr)
		case foreign(&o) && !foreign(&r): // comes after it, whatever its priority
		case o.ReplID != r.ReplID: // offsets of two histories tell nothing
		case o.Priority < r.Priority, o.Priority == r.Priority && o.Offset > r.Offset:
			k.fail(n.name, "B-711", "chooses %s for %s, priority %d offset %d, before %s, %d %d",
				at, name, r.Priority, r.Offset, i.addr, o.Priority, o.Offset)
		}
	}
}

// orders: nothing that would change it is sent to a node of a cluster.
//
// Rule: E-83.
func (k *checker) orders(n *Node, to Addr, cmds [][]string) {
	i := k.w.Instance(to)
	if i == nil || !i.opt.Cluster || n.opt.Original {
		return
	}
	for _, c := range cmds {
		if c[0] == "SLAVEOF" || c[0] == "CONFIG" || c[0] == "CLIENT" && c[1] == "KILL" {
			k.fail(n.name, "E-83", "sends %s to %s, a node of a cluster", c[0], to)
		}
	}
}

// unsynced: a replica that has nothing of the master's data, nor of what that
// grew from, is promoted by hand only.
//
// Rule: B-711, ADR 0004.
func (k *checker) unsynced(n *Node, at Addr, name string, r *replication.Info, ours map[string]bool) {
	if k.of(n, name).byHand || r.LinkDown >= 0 || !r.Empty || len(ours) == 0 || ours[r.ReplID] || ours[r.ReplID2] {
		return
	}
	for a, h := range k.node(n).infos { // any order: one is enough
		if i := k.w.Instance(a); i != nil && i.opt.Group == name && strings.Contains(h.text, "master_replid2:"+r.ReplID) {
			return
		}
	}
	k.fail(n.name, "B-711", "chooses %s for %s, which has never synchronised", at, name)
}

// knows is what a Sentinel heard last from an instance, if neither that nor its
// last good reply to PING is old.
func (k *checker) knows(n *Node, at Addr) (replication.Info, bool) {
	h := k.node(n).infos[at]
	if h.text == "" || k.w.now-h.at > freshInfo || h.at-h.since < freshInfo || k.w.now-k.node(n).oks[at] > okAge {
		return replication.Info{}, false
	}
	return replication.ParseInfo([]byte(h.text)), true
}

// sound reports whether an instance is well in itself and in reach, and was
// not tried in vain.
func (k *checker) sound(n *Node, i *Instance) bool {
	w := k.w
	if !i.up || i.paused || w.now < i.loadUntil || i.Busy || w.blocked(n.host, i.host) || w.blocked(i.host, n.host) {
		return false
	}
	if last, ok := k.node(n).tried[i.addr]; ok && w.now-last < triedFor {
		return false
	}
	for _, l := range n.links { // any order: one is enough
		if l.to == i.addr && !l.pubsub && l.c != nil && l.c.open && l.c.ends[0].open && l.c.ends[1].open {
			return true
		}
	}
	return false
}

// triedFor is how long a replica to which SLAVEOF NO ONE was sent may be passed
// over by its sender.
const triedFor = time.Minute
