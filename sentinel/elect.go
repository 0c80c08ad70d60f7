package sentinel

import (
	"iter"
	"strconv"
	"time"

	"gosentinel/quorum"
)

// election is what a Sentinel remembers between its attempts to lead a
// failover of one master.
//
// Rule: election.md section 2.
type election struct {
	attempts           int           // in this outage
	lastAttempt        time.Duration // never
	hopeless           bool          // no replica was eligible when last looked at
	changedAt          time.Duration // when that last changed; never
	hurried            int           // attempts in a row that came soon after the one before (E-16)
	lost               int           // in a row
	pauseUntil         time.Duration // no start before; never
	votedForOther      bool          // another was voted for in this outage, here or elsewhere (E-54)
	long               bool          // that pause is the one after a failed attempt
	told               time.Duration // the pause that was logged; never
	shortened          int           // how often a replica that became eligible cut it (E-58)
	spared             int           // attempts given up since sparedAt, for the master had recovered (E-34)
	sparedAt           time.Duration // never
	failed             map[quorum.RunID]bool
	startAt            time.Duration // as last computed, for due
	awaitsVoteRequests bool          // that waits for the answers to a better placed peer to leave
}

func (e *election) reset() {
	*e = election{lastAttempt: never, pauseUntil: never, told: never, startAt: farAway, changedAt: never, sparedAt: never}
}

// markFailed remembers that an attempt of id came to nothing. Who is no peer has
// no rank to lose.
//
// Rule: E-11, E-58.
func (c *Core) markFailed(m *master, id quorum.RunID) {
	if id != c.self() && m.findPeer(string(id)) == nil {
		return
	}
	e := &m.election
	if e.failed == nil {
		e.failed = map[quorum.RunID]bool{}
	}
	e.failed[id] = true
}

// self is our run id as a candidate.
func (c *Core) self() quorum.RunID { return quorum.RunID(c.myID) }

// stepElection starts an attempt when it is time, or counts the votes of one.
func (c *Core) stepElection(m *master) {
	e := &m.election
	switch m.failover.state {
	case stateNone:
		kind := automatic
		// In ODOWN an ordinary failover ends the dispute too: its epoch is above the disputed one.
		if !m.odown && m.disputed != never && c.followSince(m) == never {
			kind = ofDispute
		}
		e.startAt = c.startTime(m)
		if e.startAt <= c.now.Mono {
			c.start(m, kind)
		}
	case stateWaitStart:
		c.countVotes(m)
	}
}

func (c *Core) electionDue(m *master) time.Duration {
	switch m.failover.state {
	case stateNone:
		return m.election.startAt
	case stateWaitStart:
		return c.countDue(m)
	}
	return farAway
}

// startTime is when we may stand for an election, farAway if not as things are.
//
// Rule: E-10, E-16, E-18, E-80.
func (c *Core) startTime(m *master) time.Duration {
	e := &m.election
	// A peer that announced another address in our config epoch may have given in
	// since: nothing is left to settle then.
	if m.disputed != never && !m.stillDisputed() {
		m.disputed = never
	}
	since := m.disputed
	switch {
	case m.ofCluster():
		since = max(since, c.followSince(m))
	case m.odown:
		since = m.odownSince
	}
	if since == never || c.tilt || c.disk.sick || c.outOfEpochs() {
		return farAway
	}
	// The pause is read below: this very input may have made a replica eligible.
	c.shortenPause(m)
	// All that may hold a start back; the last to end counts.
	t0 := max(since, e.lastAttempt+quorum.LeastGap(e.hurried), e.pauseUntil, c.votingSuspended.until, c.discoveryEnd(m))
	if m.ballot.Unfinished(m.configEpoch) && m.ballot.Vote != c.self() {
		end := m.ballot.LockEnd(c.standing(m))
		// After a restart the vote is unknown, and nobody is to be named as failed (E-44).
		if end <= c.now.Mono && m.ballot.Vote != "" {
			c.markFailed(m, m.ballot.Vote)
		}
		t0 = max(t0, end)
	}
	// A minority would burn an epoch with each attempt. The first one is free, since
	// peers that look dead may only be slow, and nobody can win without them.
	if e.attempts > 0 && c.usable(m) < quorum.Need(m.voters(), m.quorum) {
		t0 = max(t0, e.lastAttempt+2*m.failoverTimeout)
	}
	if hopeless := !c.anyEligible(m); hopeless != e.hopeless {
		e.hopeless, e.changedAt = hopeless, c.now.Mono
	}
	if !e.hopeless {
		t0 = max(t0, e.changedAt) // ranks count from here
	} else {
		t0 = max(t0, c.hopeless(m))
		if m.hasOriginal() {
			t0 = max(t0, since+2*c.params.askPeriod)
		}
	}
	c.tellPause(m)
	rank, heard := 0, t0
	// However late the other is heard, it delays us no longer than a lock could (ADR 0002).
	limit := t0 + m.timing(c).Limit()
	// Better placed peers go first: each gets a slot of its own in which it may ask
	// us, so that requests do not collide.
	for p := range c.better(m) {
		rank++
		if p.link.voteReplyGate > c.durableSeq { // it may have asked already, behind an answer of ours that waits for its write
			heard = limit
			c.awaitVoteRequests(m)
		}
		heard = min(max(heard, p.link.voteReplyGateOpened), limit)
	}
	return heard + time.Duration(rank+c.penalty(m))*c.slot(m)
}

// hopeless is until when no attempt of ours makes sense, as we see no replica
// that could be promoted and somebody, we or whom we voted for, has just tried in
// vain: until it is time for an original to try again, and a little longer. A
// replica that becomes eligible ends it.
//
// Rule: E-58.
func (c *Core) hopeless(m *master) time.Duration {
	if !m.ballot.Unfinished(m.configEpoch) || m.ballot.Vote == "" {
		return never
	}
	return m.ballot.CastAt() + m.timing(c).AttemptPause()
}

// outOfEpochs reports whether no newer epoch is left to stand in, which is logged
// once: epochs do not begin again at 0, where every vote ever given would be
// taken for a newer one.
//
// Rule: E-15, S-5.
func (c *Core) outOfEpochs() bool {
	if c.epoch < quorum.MaxEpoch {
		return false
	}
	if !c.toldEpochs {
		c.toldEpochs = true
		c.logLine(LevelWarning, "The current epoch is at its maximum: there will be NO FAILOVER any more. Stop all Sentinels, "+
			"set current-epoch, config-epoch and leader-epoch in their files to small values, the same in each, and start them")
	}
	return true
}

// hasOriginal reports whether an original is among the voters. It would hold
// off for two failover-timeouts after a vote for us, so a Sentinel that sees no
// good replica lets it go first: it asks within a second of its ODOWN.
//
// Rule: E-14, E-58.
func (m *master) hasOriginal() bool {
	for _, p := range m.peers {
		if !p.link.isGosentinel && p.connected() && !p.sdown && !p.mute() {
			return true
		}
	}
	return false
}

// tellPause logs, once for each, a long pause that holds us back.
//
// Rule: B-701.
func (c *Core) tellPause(m *master) {
	e := &m.election
	if !e.long || e.pauseUntil <= c.now.Mono || e.told == e.pauseUntil {
		return
	}
	e.told = e.pauseUntil
	until := time.UnixMilli(c.now.Wall + (e.pauseUntil - c.now.Mono).Milliseconds()).In(time.FixedZone("", c.now.Zone))
	c.logLine(LevelNotice, "Next failover delay: I will not start a failover before "+until.Format(time.ANSIC))
}

// usable is the number of Sentinels that are not down and may vote, ourselves
// included.
//
// Rule: B-622, E-6.
func (c *Core) usable(m *master) int {
	n := 1
	for _, p := range m.peers {
		if !p.sdown && !p.mute() {
			n++
		}
	}
	return n
}

// rank is how many better placed peers go first.
//
// Rule: E-12, E-13.
func (c *Core) rank(m *master) int {
	rank := 0
	for range c.better(m) {
		rank++
	}
	return rank
}

// better are the better placed peers.
func (c *Core) better(m *master) iter.Seq[*peer] {
	// Who has just tried in vain comes after all who have not, by run id within
	// each group: the next best takes over, and nobody tries for ever.
	selfFailed := m.election.failed[c.self()]
	return func(yield func(*peer) bool) {
		for _, p := range m.peers {
			// Not waited for: originals have no ranks, and the others would not stand.
			if !p.link.isGosentinel || p.mute() || !c.attentive(p) || p.saysUp(c) {
				continue
			}
			first := p.runID < c.myID
			if failed := m.election.failed[quorum.RunID(p.runID)]; failed != selfFailed {
				first = selfFailed
			}
			if first && !yield(p) {
				return
			}
		}
	}
}

// attentive reports whether p is connected and owes no PING reply for more
// than two ping periods.
func (c *Core) attentive(p *peer) bool {
	l := p.link
	return p.connected() && !(l.waits && c.now.Mono-l.pendingSince > 2*l.pingPeriod(c))
}

// slowWrite is how long a write may take before its Sentinel starts later (E-14).
const slowWrite = 250 * time.Millisecond

// penalty is by how many ranks we hold back because we are badly placed.
//
// Rule: E-14.
func (c *Core) penalty(m *master) int {
	n := 0
	// Somebody else may see a replica that we do not: let all others go first.
	if !c.anyEligible(m) {
		n += m.voters()
	}
	if c.slowDisk {
		n++
	}
	return n
}

// slot is the time between two ranks.
func (c *Core) slot(m *master) time.Duration {
	r := time.Duration(0)
	for _, p := range m.peers {
		if p.link.isGosentinel && !p.mute() && c.attentive(p) {
			r = max(r, p.link.rtt)
		}
	}
	return quorum.Slot(r)
}

// start begins an attempt: a new epoch, our own vote, and requests to all.
//
// Rule: E-15, B-701.
func (c *Core) start(m *master, kind failoverKind) {
	e := &m.election
	c.endRest(m)
	// What is left of the last failover belongs to its epoch: no order of it may
	// be given in the new one.
	epoch := c.newEpoch()
	c.changeMaster(m)
	e.attempts++
	if quorum.Hurried(c.now.Mono-e.lastAttempt, e.hurried) {
		e.hurried++
	} else {
		e.hurried = 0
	}
	e.lastAttempt = c.now.Mono
	// The master answers, as for a failover by hand: its data set is what it has
	// now, not what was noted at an outage before.
	if !m.sdown {
		c.snapshotReplIDs(m)
	}
	m.failover = failover{state: stateWaitStart, epoch: epoch, startedAt: c.now.Mono, stateSince: c.now.Mono, kind: kind}
	c.say(LevelWarning, "+new-epoch", strconv.FormatUint(uint64(epoch), 10), m)
	c.event(LevelWarning, "+try-failover", &m.instance, "")
	c.standForVotes(m)
}

// standForVotes casts our own vote in the failover epoch and opens the poll.
func (c *Core) standForVotes(m *master) {
	f := &m.failover
	m.ballot.CastSelf(c.now.Mono, f.epoch, c.self())
	c.changeMaster(m)
	// Requests leave at once, while this is being written; counting waits for it.
	f.voteSeq = c.seq
	c.say(LevelWarning, "+vote-for-leader", c.myID+" "+strconv.FormatUint(uint64(f.epoch), 10), m)
	for _, p := range m.peers {
		p.voteReply = voteReply{asked: never, sentAt: never, withheldSince: never, retryAt: never}
		p.askedAt = never
	}
	for _, r := range m.replicas {
		r.tried = false
		c.touch(&r.instance)
	}
	f.voters = m.voters()
	// Who is known only to others votes too: the votes of those that we happen to
	// know are no majority.
	if c.discovering(m) {
		all, _ := c.census(m)
		f.voters = max(f.voters, all) // those too that only others know
	}
	c.awaitWrite(m)
	c.touch(&m.node)
}

// waiting is a master of which something is being written.
type waiting struct {
	seq   Seq
	m     *master
	epoch quorum.Epoch // of the vote for it then
}

// awaitWrite has m looked at again when what just changed is on disk.
func (c *Core) awaitWrite(m *master) {
	c.waiting = append(c.waiting, waiting{c.seq, m, m.ballot.Epoch})
}

// ownVoteDurable reports whether our own vote is on disk.
//
// Rule: E-30, E-43, S-3.
func (c *Core) ownVoteDurable(m *master) bool { return m.failover.voteSeq <= c.durableSeq }

// voters gives the candidate's view of the poll.
func (c *Core) voters(m *master) []quorum.Voter {
	vs := make([]quorum.Voter, 0, len(m.peers))
	for _, p := range m.peers {
		v := quorum.Voter{Reply: p.voteReply.kind, Connected: p.connected() && !p.mute()}
		if p.voteReply.asked != never {
			v.Silence = c.now.Mono - p.voteReply.asked
		}
		if p.voteReply.kind == quorum.VoteWithheld {
			v.WithheldFor = c.now.Mono - p.voteReply.withheldSince
		}
		vs = append(vs, v)
	}
	return vs
}

// need is how many votes this attempt needs: its voters are the most peers
// known at any moment of it.
//
// Rule: E-18, S-4.
func (m *master) need() int {
	// Peers that are forgotten during the attempt must not lower the majority.
	m.failover.voters = max(m.failover.voters, m.voters())
	return quorum.Need(m.failover.voters, m.quorum)
}

func (c *Core) grace(m *master) time.Duration {
	r := time.Duration(0)
	for _, p := range m.peers {
		r = max(r, p.link.rtt)
	}
	return quorum.Grace(r, m.election.lost)
}

// countVotes decides an election as soon as it can be. Votes that came while
// we slept, in TILT say, until the election was over elect nobody: the master
// may be back for long.
//
// Rule: E-31, E-33, E-34, B-710, S-4.
func (c *Core) countVotes(m *master) {
	f := &m.failover
	outcome := quorum.Count(m.need(), c.ownVoteDurable(m), c.voters(m), c.grace(m))
	// A failover by hand has no time limit: whoever asked for it is waiting.
	over := c.now.Mono > f.startedAt+m.timing(c).Election()
	if outcome == quorum.Won && (!over || !f.kind.hasTimeLimit()) {
		c.elected(m)
		return
	}
	if f.kind.mayBeForced() {
		c.countManual(m)
		return
	}
	switch {
	case outcome == quorum.Lost:
		c.lostElection(m)
	case over && outcome == quorum.Won:
		c.outOfTime(m)
	case over:
		c.event(LevelWarning, "-failover-abort-not-elected", &m.instance, "")
		c.attemptFailed(m, 2*m.failoverTimeout)
	}
}

// countDue is when the count may change without an input.
func (c *Core) countDue(m *master) time.Duration {
	f := &m.failover
	due := c.nextOf(f.startedAt + m.timing(c).Election() + 1)
	grace := c.grace(m)
	for _, p := range m.peers {
		switch v := &p.voteReply; {
		case v.kind == quorum.NoReply && v.asked != never:
			due = min(due, c.nextOf(v.asked+grace+1))
		case v.kind == quorum.VoteWithheld:
			due = min(due, c.nextOf(v.withheldSince+quorum.WithheldMax+1))
		}
	}
	if f.kind.mayBeForced() {
		due = min(due, c.manualDue(m))
	}
	return due
}

// lostElection gives up an attempt that cannot be won, and prepares the next.
//
// Rule: E-37.
func (c *Core) lostElection(m *master) {
	held := false
	for _, p := range m.peers {
		held = held || p.voteReply.kind == quorum.VoteWithheld
	}
	c.event(LevelWarning, "-failover-abort-not-elected", &m.instance, "")
	c.endAttempt(m)
	e := &m.election
	e.lost++
	// A pause of milliseconds is nothing to log, and no eligible replica need cut it.
	e.long = false
	e.pauseUntil = c.now.Mono + m.timing(c).BackOff(e.lost, c.slot(m), held, c.rng.Duration)
}

// attemptFailed ends an attempt that ran and came to nothing.
//
// Rule: E-58, B-702.
func (c *Core) attemptFailed(m *master, pause time.Duration) {
	c.endAttempt(m)
	e := &m.election
	c.markFailed(m, c.self())
	e.pauseUntil, e.long = c.now.Mono+pause, true
	// Only one that becomes eligible after this cuts the pause: none of these could be promoted.
	for _, r := range m.replicas {
		r.eligible = c.eligible(m, r)
	}
}

// shortenPause lets a failed attempt be repeated soon after a replica has
// become eligible.
//
// Rule: E-58.
func (c *Core) shortenPause(m *master) {
	e := &m.election
	if !e.long || e.pauseUntil <= c.now.Mono {
		return
	}
	better := false
	// All are looked at, the first found or not: each is to cut the pause once only.
	for _, r := range m.replicas {
		ok := c.eligible(m, r)
		better = better || ok && !r.eligible
		r.eligible = ok
	}
	if better {
		e.pauseUntil = min(e.pauseUntil, c.now.Mono+time.Second<<min(e.shortened, 10))
		e.shortened++
	}
}

// endAttempt clears an own attempt without a word; its events are the caller's.
//
// Rule: B-702, B-704.
func (c *Core) endAttempt(m *master) {
	for _, r := range m.replicas {
		r.promoted = false
		r.reconf = reconfNone
		c.touch(&r.instance)
	}
	m.failover = failover{}
	c.touch(&m.node)
}
