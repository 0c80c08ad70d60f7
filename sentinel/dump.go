package sentinel

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/quorum"
)

// Dump writes the whole state as sorted text, for tests, digests and debugging.
// Equal cores give equal text; secrets are masked. The error is that of w.
func (c *Core) Dump(w io.Writer) error {
	b := bufio.NewWriter(w)
	d := dumper{b}
	d.line(0, "sentinel %s epoch=%d heard=%d mono=%s", c.myID, c.epoch, c.heard.epoch, c.now.Mono)
	d.line(1, "settings loglevel=%q deny-scripts=%t resolve=%t announce-names=%t announce=%q:%d user=%q pass=%s",
		c.logLevel, c.denyScripts, c.resolveHostnames, c.announceHostnames, c.announceIP, c.announcePort,
		c.peerUser, masked(&c.peerPass))
	for _, p := range paramTable {
		d.line(1, "period %s %s", p.name, *p.at(&c.params))
	}
	d.line(1, "disk seq=%d settled=%d error=%q slow=%t waiting=%d told=%t kept=%d silent=%s floor=%d written=%d since=%s sick=%t", c.seq, c.durableSeq, c.saveError, c.slowDisk, len(c.waiting),
		c.diskProven, len(c.deferredReplies), at(c.votingSuspended.until), c.votingSuspended.floor, c.disk.told, at(c.disk.began), c.disk.sick)
	d.line(1, "tilt %t since=%s tick=%s late=%s", c.tilt, at(c.tiltAt), at(c.lastTick), at(c.lateTick))
	d.line(1, "simulate %d hellos-dropped=%d", c.simulate, c.badHello.dropped)
	for _, p := range c.monitors {
		d.line(1, "monitor %q %q:%d quorum=%d until=%s", p.name, p.host, p.port, p.quorum, at(p.until))
	}
	for i, j := range c.scripts.queue {
		d.line(1, "script %d job=%d running=%t pid=%d starts=%d since=%s next=%s %q",
			i, j.id, j.running, j.pid, j.starts, at(j.since), at(j.next), j.argv)
	}
	for _, name := range sortedKeys(c.names.known) {
		n := c.names.known[name]
		d.line(1, "name %q %q asking=%t", name, n.ips, n.asking)
	}
	masters := slices.Clone(c.masters)
	slices.SortFunc(masters, func(a, b *master) int { return strings.Compare(a.name, b.name) })
	for _, m := range masters {
		d.master(m)
	}
	return b.Flush()
}

type dumper struct{ w *bufio.Writer }

// line writes one line, indented by depth. Errors surface at the last Flush.
func (d dumper) line(depth int, format string, args ...any) {
	d.w.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(d.w, format, args...)
	d.w.WriteByte('\n')
}

func (d dumper) master(m *master) {
	d.line(1, "master %q %s", m.name, addrText(&m.instance))
	d.line(2, "options quorum=%d down-after=%s failover-timeout=%s parallel-syncs=%d reboot=%s scripts=%q,%q pass=%s renames=%q",
		m.quorum, m.downAfter, m.failoverTimeout, m.parallelSyncs, m.rebootDownAfter,
		m.notifyScript, m.reconfigScript, masked(m.authPass), m.renames)
	if m.authUser != nil {
		d.line(2, "user %q", *m.authUser)
	}
	d.line(2, "epochs config=%d leader=%d vote=%q cast=%s heard=%s",
		m.configEpoch, m.ballot.Epoch, m.ballot.Vote, at(m.ballot.CastAt()), at(m.ballot.HeardAt()))
	d.line(2, "odown %t since=%s rebooted=%t,%s born=%s switched=%s by %q",
		m.odown, at(m.odownSince), m.rebooted, at(m.rebootedAt), at(m.discoverySince), at(m.switched.at), m.switched.by)
	e := &m.election
	d.line(2, "election attempts=%d last=%s lost=%d pause=%s failed=%q start=%s",
		e.attempts, at(e.lastAttempt), e.lost, at(e.pauseUntil), sortedKeys(e.failed), at(e.startAt))
	f := &m.failover
	if f.state != stateNone {
		promoted := ""
		if f.promoted != nil {
			promoted = f.promoted.name
		}
		d.line(2, "failover %s epoch=%d kind=%s started=%s since=%s promoted=%q",
			f.state, f.epoch, f.kind, at(f.startedAt), at(f.stateSince), promoted)
	}
	d.instance(2, &m.instance)
	replicas := slices.Clone(m.replicas)
	slices.SortFunc(replicas, func(a, b *replica) int { return strings.Compare(a.name, b.name) })
	for _, r := range replicas {
		d.line(2, "replica %q %s promoted=%t reconf=%d sent=%s tried=%t followed=%t joined=%s left=%d demoted=%s,%t",
			r.name, addrText(&r.instance), r.promoted, r.reconf, at(r.sentAt), r.tried, r.followed, at(r.joinedAt), r.departures, at(r.demotedAt), r.demoting)
		d.instance(3, &r.instance)
	}
	peers := slices.Clone(m.peers)
	slices.SortFunc(peers, func(a, b *peer) int { return strings.Compare(a.runID, b.runID) })
	for _, p := range peers {
		d.line(2, "peer %q %s heard=%s says=%s:%d/%d down=%t,%t answered=%s vote=%q/%d",
			p.runID, addrText(&p.instance), at(p.heardAt), p.said.addr.Host, p.said.addr.Port, p.said.epoch,
			p.opinionDown, p.answered, at(p.answeredAt), p.leader, p.leaderEpoch)
		d.line(3, "vouched=%t", p.vouched)
		d.line(3, "asks busy=%d step=%d at=%s theirs=%s reply=%s since=%s", p.asks, p.askStep, at(p.askedAt), at(p.asksAt), p.voteReply.kind, at(p.voteReply.asked))
		d.instance(3, &p.instance)
	}
}

// instance writes what instances of all kinds have.
func (d dumper) instance(depth int, i *instance) {
	l := i.link
	d.line(depth, "link cmd=%d/%d pub=%d/%d sharers=%d ping=%t,%s ok=%s reply=%s rtt=%s refused=%s own=%t proof=%s,%t",
		l.cmd.state, l.cmd.pending.len(), l.pub.state, l.pub.pending.len(), len(l.users), l.waits, at(l.pendingSince),
		at(l.lastOK), at(l.lastReply), l.rtt, at(l.refusedAt), l.isGosentinel, l.proof, l.identified)
	if i.kind == kindPeer && l.voteReplyGate > 0 {
		d.line(depth, "deaf to=%d end=%s", l.voteReplyGate, at(l.voteReplyGateOpened))
	}
	d.line(depth, "state sdown=%t,%s kill=%t hello=%s busy=%t now=%t", i.sdown, at(i.sdownSince), i.killSent, at(i.helloAt), i.helloBusy, i.helloNow)
	if i.kind == kindPeer {
		return
	}
	in := &i.info
	d.line(depth, "info run=%q role=%s,%s at=%s master=%s:%d up=%t down=%s priority=%d offset=%d announced=%t replid=%q,%q conf=%s",
		i.runID, i.role, at(i.roleSince), at(i.infoAt), in.MasterHost, in.MasterPort, in.LinkUp, in.LinkDown,
		in.Priority, in.Offset, in.Announced, in.ReplID, in.ReplID2, at(i.confSince))
}

func addrText(i *instance) string {
	return fmt.Sprintf("%q(%s):%d", i.addr.Host, i.addr.IP, i.addr.Port)
}

// at is a moment as text: - stands for never.
func at(t time.Duration) string {
	switch {
	case t <= never:
		return "-"
	case t >= farAway:
		return "+"
	}
	return t.String()
}

func masked(s *conf.Secret) string {
	if s == nil || s.Reveal() == "" {
		return "-"
	}
	return s.String()
}

func sortedKeys[K string | quorum.RunID, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
