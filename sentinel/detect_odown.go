package sentinel

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/quorum"
	"gosentinel/replication"
)

// saysDown reports whether p's opinion counts for ODOWN.
//
// Rule: B-320, B-323.
func (p *peer) saysDown(c *Core) bool { return p.saysDownAt(c, c.now.Mono) }

func (p *peer) saysDownAt(c *Core, now time.Duration) bool {
	return p.opinionDown && now-p.answeredAt <= 5*c.params.askPeriod
}

// saysUp reports whether p is known to see the master up, since we see it down.
//
// Rule: E-12.
func (p *peer) saysUp(c *Core) bool { return p.answered && !p.saysDown(c) }

// voteAt is p's vote as it last answered, not older than its opinion may be.
func (p *peer) voteAt(c *Core, now time.Duration) (quorum.RunID, quorum.Epoch) {
	if now-p.answeredAt > 5*c.params.askPeriod {
		return "", p.leaderEpoch
	}
	return p.leader, p.leaderEpoch
}

// judgeODown sets or clears ODOWN.
//
// Rule: B-323, B-324.
func (c *Core) judgeODown(m *master) {
	if c.tilt {
		return
	}
	agree := 0
	for _, p := range m.peers {
		if p.saysDown(c) {
			agree++
		}
	}
	odown := quorum.Agreed(m.sdown, agree, m.quorum)
	if odown == m.odown {
		return
	}
	m.odown = odown
	for _, r := range m.replicas {
		c.touch(&r.instance) // their INFO period changes (B-502)
	}
	// A failover under way goes on: peers that have switched do not know the old address (B-324).
	if !odown {
		c.eventNow(LevelWarning, "-odown", &m.instance, "")
		return
	}
	m.odownSince = c.now.Mono
	c.eventNow(LevelWarning, "+odown", &m.instance, fmt.Sprintf(" #quorum %d/%d", agree+1, m.quorum))
}

// odownDue is when the oldest opinion that counts expires.
func (c *Core) odownDue(m *master) time.Duration {
	due := farAway
	if m.odown {
		for _, p := range m.peers {
			if p.saysDown(c) {
				due = min(due, p.answeredAt+5*c.params.askPeriod+1)
			}
		}
	}
	return due
}

// askPeers sends the asks that are due: for votes while we are candidate or
// leader, else for opinions while the master is down.
//
// Rule: E-1, E-17, B-321.
func (c *Core) askPeers(m *master) {
	for _, p := range m.peers {
		if c.askTime(m, p) <= c.now.Mono {
			c.ask(m, p)
		}
	}
}

func (c *Core) askDue(m *master) time.Duration {
	due := farAway
	for _, p := range m.peers {
		due = min(due, c.askTime(m, p))
	}
	return due
}

// askTime is when p is to be asked next.
func (c *Core) askTime(m *master, p *peer) time.Duration {
	// A full link is asked again by its next answer, which touches the master: no time is needed.
	if !p.connected() || p.mute() || p.link.full() {
		return farAway
	}
	// A candidate or leader renews its voters, whatever they think of the master.
	// One whose write does not return could not use the votes: it lets them go.
	if m.failover.wantsVotes() && !c.disk.sick {
		next := p.askedAt + m.timing(c).Renew()
		if p.askedAt == never {
			next = c.now.Mono
		}
		if p.voteReply.kind == quorum.VoteWithheld {
			next = min(next, p.voteReply.retryAt)
		}
		return next
	}
	switch {
	// Counted from the promotion too, since the switch has forgotten when anybody was asked.
	case c.promotionUnpublished(m) && !c.disk.sick:
		return max(p.askedAt, m.lastPromotion.at) + m.timing(c).Renew()
	// A second ask behind one that is outstanding would be answered no sooner (E-1).
	case !m.sdown || p.asks > 0:
		return farAway
	case p.askedAt == never:
		return c.now.Mono
	case p.saysDown(c):
		return p.answeredAt + c.params.askPeriod
	}
	return p.askedAt + min(100*time.Millisecond<<max(0, min(p.askStep-1, 4)), c.params.askPeriod)
}

// ask sends one `is-master-down-by-addr`. It waits for no write.
//
// Rule: behaviour.md 3.3, E-15, E-41.
func (c *Core) ask(m *master, p *peer) {
	epoch, candidate, vote := c.epoch, "*", m.failover.wantsVotes() && !c.disk.sick
	switch {
	case c.promotionUnpublished(m) && !c.disk.sick:
		// No attempt of ours can be on then: it would have moved our vote to a newer epoch.
		epoch, candidate = m.lastPromotion.epoch, c.myID
	case vote:
		// Never the current epoch, which others move: a vote there is none for what we act under (S-9).
		epoch, candidate = m.failover.epoch, c.myID
		if p.voteReply.asked == never {
			p.voteReply.asked = c.now.Mono
		}
		if p.voteReply.kind == quorum.VoteWithheld && p.voteReply.retryAt <= c.now.Mono {
			p.voteReply.retries++
			p.voteReply.retryAt = c.now.Mono + 50*time.Millisecond<<min(p.voteReply.retries, 6)
		}
	}
	p.asks++
	p.askedAt = c.now.Mono
	at, foreign := c.knowsMasterAs(p)
	c.sendNow(&p.link.cmd, pending{is: sendAsk, inst: &p.instance, vote: vote, epoch: epoch, foreign: foreign, turn: m.switched.count},
		[]string{"SENTINEL", "is-master-down-by-addr", at.Shown(c.announceHostnames), itoa(at.Port),
			strconv.FormatInt(epoch.Wire(), 10), candidate})
}

// knowsMasterAs is the address by which p finds the master, and whether it is
// another than ours: what its hellos say, unless some of late have given ours,
// since others may be forged.
//
// Rule: E-4.
func (c *Core) knowsMasterAs(p *peer) (at replication.Addr, foreign bool) {
	if c.now.Mono-p.agreedAt < 2*c.params.publishPeriod {
		return p.of.addr, false
	}
	if p.said.addr.Host == "" || p.said.addr.Same(p.of.addr) {
		return p.of.addr, false
	}
	return p.said.addr, true
}

// maxCandidate bounds, in bytes, the text that a peer may say it votes for.
const maxCandidate = 128

// goodCandidate reports whether s may be what a peer says it votes for, or "*".
// An original votes for any text; what is no id is nobody's.
func goodCandidate(s string) bool {
	return s != "" && len(s) <= maxCandidate && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// askReply takes a peer's answer: its opinion, and its vote. The opinion is of
// the address that was asked about, which a switch may have left since: in the
// same moment too, as all that has come during a stall is read in one. Who is
// not who its hellos say has neither.
//
// Rule: B-322, E-6, E-30, S-4.
func (c *Core) askReply(p *peer, v resp.Value, sent pending) {
	// Counted before the answer is judged: whatever it is, one request less is out.
	p.asks--
	m := p.of
	if !p.link.identified || p.mute() || v.Kind != resp.Array || len(v.Elems) != 3 || v.Elems[0].Kind != resp.Integer ||
		v.Elems[1].Kind != resp.Bulk || !goodCandidate(v.Elems[1].Str) || v.Elems[2].Kind != resp.Integer || v.Elems[2].Int < 0 {
		// It may be asked again, though nothing was learnt.
		c.touch(&m.node)
		return
	}
	p.answeredAt = c.now.Mono
	// An opinion is of an address. One of another, or of the one before a switch of
	// ours, says nothing of the present master.
	foreign := sent.foreign || sent.turn != m.switched.count
	// An answer to what was asked before our SDOWN does not show that p sees the master up now.
	p.answered = m.sdown && sent.at >= m.sdownSince && !foreign
	p.opinionDown = v.Elems[0].Int == 1 && !foreign
	// A peer that agrees is asked each second; one that does not is asked soon and
	// then ever more rarely, since it may just be a moment behind.
	if p.opinionDown {
		p.askStep = 0
	} else {
		p.askStep++
	}
	leader, epoch := quorum.RunID(v.Elems[1].Str), quorum.Epoch(v.Elems[2].Int)
	if leader == "*" {
		leader = ""
	} else {
		if epoch != p.leaderEpoch {
			c.logLine(LevelNotice, fmt.Sprintf("%s voted for %s %d", p.name, leader, epoch))
		}
		p.leader, p.leaderEpoch = leader, epoch
		// A vote whose epoch has its configuration already hides no promotion that nobody announced.
		m.election.votedForOther = m.election.votedForOther || m.sdown && leader != c.self() && epoch > m.configEpoch
	}
	// Foreign or not: a vote is for the master, by whatever address it was asked about (E-4).
	if sent.vote && m.failover.wantsVotes() && sent.epoch == m.failover.epoch {
		c.hearVoteReply(m, p, sent, leader, epoch)
	}
	c.touch(&m.node)
}

// hearVoteReply files a peer's answer to our vote request.
//
// Rule: E-30, E-32.
func (c *Core) hearVoteReply(m *master, p *peer, sent pending, leader quorum.RunID, epoch quorum.Epoch) {
	v := &p.voteReply
	v.asked = never
	// Only a vote of a later epoch takes one back: its giver follows somebody newer by now (E-34).
	if v.kind == quorum.VoteGranted && leader != quorum.RunID(c.myID) && epoch <= m.failover.epoch {
		return // a vote once counted does not expire
	}
	was := v.kind
	v.kind = quorum.JudgeReply(quorum.RunID(c.myID), m.failover.epoch, m.configEpoch, leader, epoch)
	v.sentAt = sent.at
	// Its lock is short: asking again soon costs little and wins the vote early.
	if v.kind == quorum.VoteWithheld && was != quorum.VoteWithheld {
		v.withheldSince, v.retries = c.now.Mono, 0
		v.retryAt = c.now.Mono + 50*time.Millisecond
	}
	// Our next attempt has to be above what this peer has voted in (E-32).
	if epoch > m.failover.epoch && !quorum.Absurd(c.epoch, epoch) {
		c.adoptEpoch(epoch, m)
	}
}

// peerByClient finds the peer of m whose command connection has this name.
//
// Rule: E-2.
func (m *master) peerByClient(name string) *peer {
	id, ok := strings.CutPrefix(name, "sentinel-")
	if !ok {
		return nil
	}
	// Eight characters are all of the run id that the name of a connection has (B-113).
	if id, ok = strings.CutSuffix(id, "-cmd"); !ok || len(id) != 8 {
		return nil
	}
	for _, p := range m.peers {
		if strings.HasPrefix(p.runID, id) {
			return p
		}
	}
	return nil
}

// askBackGap is how long a peer must not have asked to be asked back at once:
// the first of the gaps of E-1. Two Sentinels that see their master down and
// do not count each other's opinions (E-4) would else ask each other for ever,
// as fast as the network carries it.
const askBackGap = 100 * time.Millisecond

// answerAsk answers `is-master-down-by-addr` for a known master. candidate is
// a run id that wants our vote, or "*".
//
// Rule: B-330, B-331, E-2, E-20.
func (c *Core) answerAsk(m *master, in Request, epoch int64, candidate string) {
	p := m.peerByClient(in.Client)
	// A connection can take any name; a request for a vote names its candidate.
	if p == nil && candidate != "*" {
		p = m.findPeer(candidate)
	}
	if p != nil {
		again := c.now.Mono-p.asksAt < askBackGap
		p.asksAt = c.now.Mono
		// One ask may be outstanding: its answer was perhaps given before p saw the master down (E-2).
		if m.sdown && !p.saysDown(c) && p.asks <= 1 && !again {
			p.askedAt = never // ask back at once
			// A candidate's request is sent by askPeers in this step instead, with its run id.
			if p.connected() && !p.mute() && !m.failover.wantsVotes() && !c.tilt {
				c.ask(m, p)
			}
		}
	}
	c.touch(&m.node)
	down := int64(0)
	// In TILT our own sight of the master is not to be trusted (B-803).
	if m.sdown && !c.tilt {
		down = 1
	}
	if candidate == "*" {
		// It shows no vote and no epoch, so there is nothing to wait for (E-40).
		c.emitNow(Respond{ID: in.ID, Value: opinion(down, "*", 0)})
		return
	}
	// The wire's number is signed; below 0 it is no epoch of anybody.
	if epoch >= 0 {
		c.vote(m, quorum.Epoch(epoch), quorum.RunID(candidate))
	}
	answer := Respond{ID: in.ID, Value: m.showVote(down)}
	// Before the first write has returned the file may prove not to be writable, and the vote undone.
	if !c.diskProven && m.ballot.Writing() {
		c.deferredReplies = append(c.deferredReplies, deferredReply{answer, m, down, c.seq})
	} else {
		c.emit(answer)
	}
	// What the peer asks behind this answer reaches us only when the answer leaves:
	// a request for our vote may already be on its way.
	if p != nil && c.seq > c.durableSeq {
		if p.link.voteReplyGate <= c.durableSeq {
			c.voteReplyGates = append(c.voteReplyGates, p.link)
		}
		p.link.voteReplyGate = c.seq
	}
}

// showVote is the answer to a vote request: our opinion and the vote that stands.
//
// Rule: E-20, B-612.
func (m *master) showVote(down int64) resp.Value {
	vote := string(m.ballot.Vote)
	if vote == "" {
		vote = "*"
	}
	return opinion(down, vote, m.ballot.Epoch)
}

// awaitVoteRequests has m looked at again when peers are heard whose answers wait.
func (c *Core) awaitVoteRequests(m *master) {
	if !m.election.awaitsVoteRequests {
		m.election.awaitsVoteRequests = true
		c.awaitingVoteRequests = append(c.awaitingVoteRequests, m)
	}
}

// openVoteReplyGates notes that the answers whose write has settled have left: what their
// peers ask behind them is heard now.
func (c *Core) openVoteReplyGates() {
	rest := c.voteReplyGates[:0]
	for _, l := range c.voteReplyGates {
		if l.voteReplyGate > c.durableSeq {
			rest = append(rest, l)
		} else {
			l.voteReplyGateOpened = c.now.Mono
		}
	}
	heard := len(rest) < len(c.voteReplyGates)
	clear(c.voteReplyGates[len(rest):])
	c.voteReplyGates = rest
	if !heard {
		return
	}
	for _, m := range c.awaitingVoteRequests {
		m.election.awaitsVoteRequests = false
		c.touch(&m.node)
	}
	clear(c.awaitingVoteRequests)
	c.awaitingVoteRequests = c.awaitingVoteRequests[:0]
}

func opinion(down int64, leader string, epoch quorum.Epoch) resp.Value {
	return resp.List(resp.Int(down), resp.Str(leader), resp.Int(epoch.Wire()))
}

// kindReply learns whether a peer is of our kind.
//
// Rule: E-5.
func (c *Core) kindReply(l *link, v resp.Value) {
	// In doubt an original: no rank of ours waits for it, and E-25 holds for its attempts.
	l.isGosentinel = false
	if v.Kind == resp.Bulk || v.Kind == resp.Verbatim {
		l.isGosentinel = strings.Contains(v.Str, "gosentinel_version:")
	}
	// Ranks, slots and the guard of E-25 depend on the kind.
	for _, i := range l.users {
		c.touch(&i.of.node)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
