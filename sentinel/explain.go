package sentinel

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"gosentinel/quorum"
	"gosentinel/replication"
)

// Explain writes why things stand as they do for one master: why it counts as
// down or up, when an election starts and what holds it back, who has voted for
// whom, and why each replica would be promoted or not. It changes nothing. The
// error is that of w, or says that there is no such master.
//
// Rule: election.md section 3.
func (c *Core) Explain(w io.Writer, name string) error {
	m := c.byName[name]
	if m == nil {
		return fmt.Errorf("no such master: %q", name)
	}
	b := bufio.NewWriter(w)
	e := explainer{dumper{b}, c, m}
	e.line(0, "master %s %s, config epoch %d; current epoch %d, at %s",
		m.name, replication.Join(m.addr.Host, m.addr.Port), m.configEpoch, c.epoch, c.now.Mono)
	if c.tilt {
		e.line(1, "TILT for %s of %s: nothing is judged or started (B-803)", c.now.Mono-c.tiltAt, c.params.tiltPeriod)
	}
	e.down()
	e.agreement()
	e.ballot()
	e.election()
	e.replicas()
	return b.Flush()
}

// Masters are the names of all masters, sorted.
func (c *Core) Masters() []string {
	names := make([]string, len(c.masters))
	for i, m := range c.masters {
		names[i] = m.name
	}
	slices.Sort(names)
	return names
}

type explainer struct {
	dumper
	c *Core
	m *master
}

// ago is how long before now t was.
func (e explainer) ago(t time.Duration) string {
	if t == never {
		return "never"
	}
	return (e.c.now.Mono - t).String() + " ago"
}

// down tells why we see the master down or not.
func (e explainer) down() {
	m, c, l := e.m, e.c, e.m.link
	verdict := "up"
	if m.sdown {
		verdict = "SDOWN, since " + e.ago(m.sdownSince)
	}
	e.line(1, "we see it %s:", verdict)
	e.line(2, "silent for %s, down-after is %s (B-311); last good PING reply %s, command connection %s",
		l.silence(c), m.downAfter, e.ago(l.lastOK), [...]string{"closed", "opening", "up"}[l.cmd.state])
	if c.lateTick > l.lastOK {
		e.line(2, "our own stall %s restarted the ping clocks (R-18)", e.ago(c.lateTick))
	}
	if m.role == replication.Replica {
		e.line(2, "it has reported role:slave for %s, %s counts as down", c.now.Mono-m.roleSince, m.downAfter+2*c.params.infoPeriod)
	}
	if m.rebooted {
		e.line(2, "it restarted %s and has not said PONG since", e.ago(m.rebootedAt))
	}
}

// agreement tells who counts for ODOWN.
func (e explainer) agreement() {
	m, c := e.m, e.c
	agree := 0
	if m.sdown {
		agree++
	}
	for _, p := range m.peers {
		if p.saysDown(c) {
			agree++
		}
	}
	state := "not ODOWN"
	if m.odown {
		state = "ODOWN, since " + e.ago(m.odownSince)
	}
	e.line(1, "%s: %d see it down, quorum is %d (B-323)", state, agree, m.quorum)
	for _, p := range m.peers {
		says := "up"
		switch {
		case p.saysDown(c):
			says = "down"
		case p.opinionDown:
			says = "down, too long ago to count"
		case !p.answered && m.sdown:
			says = "nothing since our SDOWN"
		}
		e.line(2, "%s says %s, answered %s", e.peer(p), says, e.ago(p.answeredAt))
	}
}

// peer names a peer and tells what is wrong with it.
func (e explainer) peer(p *peer) string {
	text := "peer " + shortID(p.runID) + " " + replication.Join(p.addr.Host, p.addr.Port)
	if !p.link.isGosentinel {
		text += " (an original)"
	}
	if p.mute() {
		text += " (no vote: another answers there, E-6)"
	}
	if p.sdown {
		text += " (SDOWN)"
	} else if !p.connected() {
		text += " (disconnected)"
	}
	return text
}

// ballot tells for whom we voted and what that forbids.
func (e explainer) ballot() {
	m, c := e.m, e.c
	b := &m.ballot
	vote := string(b.Vote)
	switch {
	case vote == c.myID:
		vote = "ourselves"
	case vote == "":
		vote = "an unknown Sentinel or nobody"
	}
	e.line(1, "our vote of epoch %d is for %s, cast %s, heard of %s", b.Epoch, vote, e.ago(b.CastAt()), e.ago(b.HeardAt()))
	if b.Unfinished(m.configEpoch) && b.Vote != c.self() {
		s := c.standing(m)
		if left := b.LockEnd(s) - c.now.Mono; left > 0 {
			e.line(2, "it locks us for another %s (E-11)", left)
		} else {
			e.line(2, "it locks us no more (E-11): process dead=%t, known=%t", s.VotedDead, s.VotedKnown)
		}
	}
}

// election tells when we start or how our attempt stands.
func (e explainer) election() {
	m, c := e.m, e.c
	f := &m.failover
	if f.state == stateNone {
		e.start()
		return
	}
	kind := ""
	if f.kind != automatic {
		kind = " " + f.kind.String()
	}
	if f.forced {
		kind += " forced"
	}
	e.line(1, "our%s attempt in epoch %d is in state %s for %s, started %s", kind, f.epoch, f.state, c.now.Mono-f.stateSince, e.ago(f.startedAt))
	if f.state == stateWaitStart {
		e.place()
	}
	votes := 1
	for _, p := range m.peers {
		if p.voteReply.kind == quorum.VoteGranted {
			votes++
		}
	}
	voters := max(f.voters, m.voters())
	e.line(2, "%d of %d votes, %d needed (majority and quorum); own vote on disk: %t (E-31)",
		votes, voters, quorum.Need(voters, m.quorum), c.ownVoteDurable(m))
	for _, p := range m.peers {
		e.line(3, "%s: %s, its vote is %q of epoch %d", e.peer(p), p.voteReply.kind, string(p.leader), p.leaderEpoch)
	}
	if f.promoted != nil {
		e.line(2, "chosen: %s; SLAVEOF NO ONE sent: %t", f.promoted.name, f.sentOne)
	}
}

// start tells what holds a start back, and when it is.
func (e explainer) start() {
	m, c := e.m, e.c
	el := &m.election
	switch {
	case c.tilt:
		e.line(1, "no election starts: TILT")
		return
	case m.odown:
	case m.disputed != never:
		e.line(1, "no ODOWN, but a peer disputes our address in this config epoch since %s (E-80)", e.ago(m.disputed))
	default:
		e.line(1, "no election starts: no ODOWN (E-10)")
		return
	}
	switch {
	case c.disk.sick:
		e.line(1, "no election starts: a write does not return (E-14, R-8)")
	case c.epoch >= quorum.MaxEpoch:
		e.line(1, "no election starts: no epochs are left (E-15)")
	case el.startAt == farAway:
		e.line(1, "no election starts before something else happens")
	default:
		e.line(1, "own start of an election (E-10): in %s", el.startAt-c.now.Mono)
	}
	e.place()
	e.holds()
	if need := quorum.Need(m.voters(), m.quorum); el.attempts > 0 && c.usable(m) < need {
		e.line(2, "%d Sentinels are up and %d needed: no other attempt within %s of the last, %s (E-16)",
			c.usable(m), need, 2*m.failoverTimeout, e.ago(el.lastAttempt))
	}
	if len(el.failed) > 0 {
		e.line(2, "attempts came to nothing: %s", strings.Join(asTexts(sortedKeys(el.failed)), " "))
	}
}

// holds tells all that holds a start back for a time.
func (e explainer) holds() {
	m, c := e.m, e.c
	el := &m.election
	lock, hopeless := never, never
	if m.ballot.Unfinished(m.configEpoch) && m.ballot.Vote != c.self() {
		lock = m.ballot.LockEnd(c.standing(m))
	}
	if el.hopeless {
		hopeless = c.hopeless(m)
	}
	for _, hold := range []struct {
		until time.Duration
		why   string
	}{
		{lock, fmt.Sprintf("our vote for %q (E-11, E-24)", string(m.ballot.Vote))},
		{hopeless, "no replica can be promoted, and another has just tried (E-58)"},
		{el.lastAttempt + quorum.LeastGap(el.hurried), "the least pause between attempts (E-16)"},
		{c.votingSuspended.until, "it started with a file that it cannot write (E-45)"},
		{el.pauseUntil, fmt.Sprintf("pause after %d attempts, %d lost in a row (E-37, E-58)", el.attempts, el.lost)},
		{c.discoveryEnd(m), "its peers are being discovered (E-18)" + c.stillOpen(m)},
	} {
		if hold.until > c.now.Mono {
			e.line(2, "held back for %s: %s", hold.until-c.now.Mono, hold.why)
		}
	}
}

// place tells by how much we let others go first.
func (e explainer) place() {
	m, c := e.m, e.c
	e.line(2, "rank %d (better placed peers, E-12), penalty %d (1 for a slow disk, %d if no replica is good, E-14), slot %s",
		c.rank(m), c.penalty(m), m.voters(), c.slot(m))
}

func asTexts(ids []quorum.RunID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}

// replicas tells which replica would be promoted, and why no other.
func (e explainer) replicas() {
	m, c := e.m, e.c
	best := c.bestReplica(m, c.limits(m))
	e.line(1, "replicas (B-711: priority, then offset, then run id):")
	if len(m.replicas) == 0 {
		e.line(2, "none known")
	}
	for _, r := range m.replicas {
		cand := c.candidate(r)
		why := replication.Reject(cand, c.limits(m))
		switch {
		case r == best && why != "":
			why = "would be promoted: another began it (E-54)"
		case r == best:
			why = "would be promoted"
		case why != "":
			why = "rejected: " + why
		default:
			why = "eligible, another is better"
		}
		fresh := "older than needed (E-50)"
		if c.fresh(m, r) {
			fresh = "fresh"
		}
		e.line(2, "%s priority=%d offset=%d runid=%s: %s; its INFO is of %s, %s", r.name, cand.Priority, cand.Offset,
			shortID(r.runID), why, e.ago(r.infoAt), fresh)
	}
}

// shortID is the head of a run id, enough to know it by.
func shortID(id string) string { return id[:min(8, len(id))] }
