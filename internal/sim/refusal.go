package sim

import (
	"strconv"
	"strings"
	"time"

	"gosentinel/quorum"
	"gosentinel/sentinel"
)

// asked is the epoch of a vote request.
func asked(args []string) uint64 {
	e, _ := strconv.ParseUint(args[4], 10, 64)
	return e
}

// patience is what an answer may add to the spans of I-12: an original asks
// once a second, and a vote is not seen before it is answered.
const patience = 3 * time.Second

// standing is a vote as it was answered last.
type standing struct {
	leader string
	epoch  uint64
	since  time.Duration            // since when it stands, as far as seen
	older  map[string]time.Duration // when each last asked in an epoch that it covers
}

// refused: no candidate is refused newer epochs for long because of a vote for
// another: half an election by a bind, an original an election and a second.
// What counts is when the core was asked: its answer may wait for a slow write
// long after the bind.
//
// Rule: I-12, E-11, E-25, E-40.
func (k *checker) refused(n *Node, name string, args []string, at time.Duration, leader string, epoch uint64) {
	from, m := k.byID(args[5]), masterIn(n.Disk.saved, name)
	if from == nil || n.opt.Original || m == nil || n.Disk.busy || n.Disk.behind || leader == "*" {
		return // a forgotten vote may be followed by the caution of E-24 and E-45
	}
	key := voteOf{n.ID(), name, 0}
	s := k.standing[key]
	if s == nil || s.leader != leader || s.epoch != epoch {
		s = &standing{leader, epoch, at, map[string]time.Duration{}}
		k.standing[key] = s
	}
	e := asked(args)
	if e <= epoch {
		s.older[from.name] = at
		return
	}
	if e <= m.ConfigEpoch || leader == n.ID() {
		return
	}
	election := min(10*time.Second, m.FailoverTimeout)
	since, limit := max(s.since, k.node(n).woke), max(election/2, quorum.BootLock)
	kindAt, known := k.node(n).ours[from.addr]
	if from.opt.Original || !n.reaches(from) || !known || kindAt > at { // not known to be of our kind, after a restart, counts as one (E-5)
		since, limit = max(since, s.older[from.name]), election+time.Second
	}
	if at-since > limit+patience {
		k.fail(n.name, "I-12", "refuses %s a vote for %s in epoch %d for longer than %v, after one for %s in %d", from.name, name, e, limit, k.nameOf(leader), epoch)
	}
}

// caution is how long a Sentinel that cannot write its file at its start votes
// for nobody.
//
// Rule: E-45.
const caution = 5 * time.Second

// probed notes the result of the probe with which a process begins, if it failed
// once: a disk that hangs may tell it long after the first request for a vote.
//
// Rule: E-45.
func (k *checker) probed(n *Node, failed bool) {
	if nw := k.node(n); failed && nw.mute == 0 {
		nw.mute = k.w.now + caution
	}
}

// unasked: nobody goes on by force while none of those in reach has answered,
// before they have had the time to (E-63); in TILT nobody is asked. Only a forced
// failover may bring one epoch two addresses, so it must not be taken lightly (I-5).
//
// Rule: E-63, I-5, B-740.
func (k *checker) unasked(n *Node, name string, m *masterWatch) {
	d := masterIn(n.Disk.saved, name)
	if n.opt.Original || d == nil || k.w.now-max(m.manualAt, k.node(n).awake) >= quorum.ForceAfter(0) {
		return
	}
	// Else its file may name peers that RESET has made it forget, or where they
	// were before a forged hello moved them.
	if n.Disk.behind || n.Disk.busy || n.Disk.dirty {
		return
	}
	silent := ""
	for _, p := range d.Sentinels {
		o := k.byID(p.RunID)
		switch {
		case o == nil || n.othersAt(o): // the connection may be that of another name
		case o.addr != (Addr{k.w.meant(p.Addr.Host), p.Addr.Port}): // forged hellos have moved it elsewhere
		case k.asks[askOf{o.name, n.ID(), name, m.epoch}]:
			return
		case n.reaches(o):
			silent = o.name
		}
	}
	if silent != "" {
		k.fail(n.name, "I-5", "forces a failover of %s in epoch %d before anybody, %s say, has answered", name, m.epoch, silent)
	}
}

// othersAt reports whether forged hellos have put others where o is.
func (n *Node) othersAt(o *Node) bool {
	for _, m := range n.Disk.saved.Masters {
		for _, p := range m.Sentinels {
			if p.RunID != o.ID() && o.addr == (Addr{n.w.meant(p.Addr.Host), p.Addr.Port}) {
				return true
			}
		}
	}
	return false
}

// reaches reports whether n has an established connection to o, which is well.
func (n *Node) reaches(o *Node) bool {
	if !o.up || o.paused || n.w.blocked(n.host, o.host) || n.w.blocked(o.host, n.host) {
		return false
	}
	for _, l := range n.links { // any order: one is enough
		if l.to == o.addr && l.c != nil && l.c.open && l.c.ends[0].open && l.c.ends[1].open {
			return true
		}
	}
	return false
}

// announcement is a configuration that a Sentinel has told in a hello.
type announcement struct {
	addressOf
	by *Node
}

// addressOf is a configuration as a hello tells it.
type addressOf struct {
	epochOf
	at Addr
}

// mistaken reports whether n announces at with an epoch of another address by
// the mistake of an original: while it re-points replicas it hears that the old
// address has won a newer epoch, finds that it has that address still, takes the
// epoch and announces the promoted replica with it, as it has kept doing. Who
// hears that before the truth cannot know, and says so too, until E-80 repairs it.
//
// Rule: B-402, B-432, S-7, E-80.
func (k *checker) mistaken(n *Node, key epochOf, at Addr, kept bool) bool {
	told := addressOf{key, at}
	k.mistakes[told] = k.mistakes[told] || n.opt.Original && kept
	return k.mistakes[told]
}

// tries notes that an attempt begins. There is cause for a manual one since it was
// asked for, though a disk may be in its way for long, and for another since the
// master's last good reply, in silence that may outlast its cause; for that of an
// original at the latest since its SDOWN, which may be out of date: it gives up a
// connect that got lost in an outage only after 15 s, and takes the master for dead
// till then.
//
// Rule: B-111, B-116, B-303, B-740.
func (k *checker) tries(n *Node, name string) {
	m := k.of(n, name)
	m.tryAt, m.manual, m.forced = k.w.now, m.asked > 0, false
	if m.manual {
		m.tryAt = m.asked
	}
	if m.down != (Addr{}) && (n.opt.Original || !m.manual) {
		m.tryAt = min(m.downAt, k.node(n).oks[Addr{k.w.meant(m.down.IP), m.down.Port}])
	}
	if !n.opt.Original {
		m.tryAt = min(m.tryAt, m.meantAt)
	}
	m.asked = 0
}

// promotes notes a SLAVEOF NO ONE: one outage should promote one replica.
func (k *checker) promotes(n *Node, name string, to Addr) {
	k.node(n).tried[to] = k.w.now
	for _, a := range k.outage[name] {
		if a == to {
			return
		}
	}
	k.outage[name] = append(k.outage[name], to)
	if len(k.outage[name]) == 2 {
		k.twice++
	}
}

// shown looks at what clients are told: never of an older configuration than
// before (I-4).
func (k *checker) shown(n *Node, a sentinel.Show) {
	for _, c := range k.w.clients {
		c.switched(n, a.Master)
	}
	d := masterIn(n.Disk.saved, a.Master)
	if a.Gone || d == nil || n.opt.Original || n.Disk.excused() || !strings.EqualFold(d.Addr.Host, a.Host) || d.Addr.Port != a.Port {
		return // one write may cover an address and the next one
	}
	m := k.of(n, a.Master)
	if d.ConfigEpoch < m.shown && !k.tainted && !k.reset {
		k.fail(n.name, "I-4", "shows %s of config epoch %d after %d", a.Master, d.ConfigEpoch, m.shown)
	}
	m.shown = max(m.shown, d.ConfigEpoch)
}
