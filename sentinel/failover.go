package sentinel

import (
	"fmt"
	"time"

	"gosentinel/internal/invariant"
	"gosentinel/quorum"
	"gosentinel/replication"
)

// failoverState is how far a failover has come.
//
// Rule: behaviour.md 7.1.
type failoverState uint8

const (
	stateNone failoverState = iota
	stateWaitStart
	stateSelectSlave
	stateSendNoOne // never outlives a step, see Check
	stateWaitPromotion
	stateReconfSlaves
	stateUpdateConfig
)

// String is the text of the status replies.
func (s failoverState) String() string {
	return [...]string{"none", "wait_start", "select_slave", "send_slaveof_noone",
		"wait_promotion", "reconf_slaves", "update_config"}[s]
}

// failover is one attempt to fail a master over. The zero value is none.
type failover struct {
	state      failoverState
	epoch      quorum.Epoch  // failover_epoch
	startedAt  time.Duration // failover_start
	stateSince time.Duration // state_change
	voteSeq    Seq           // the write that settles our own vote
	voters     int           // most voters known at any moment of it (E-18)

	kind   failoverKind
	forced bool // it goes on without the votes (E-63)
	epochs int  // further epochs that one by hand has taken (E-62)

	electedAt time.Duration
	promoted  *replica
	sentAt    time.Duration // when SLAVEOF NO ONE was last sent
	polls     int           // INFO replies since, + 1
	sentOne   bool          // SLAVEOF NO ONE has been sent to somebody
	toldGuide bool          // the log has been told why the configuration does not follow the master (E-81)
	demoted   bool          // the old master was told to follow the new one (E-57)

	again     bool          // the transaction was refused: SLAVEOF NO ONE is to be sent alone (E-52)
	refused   string        // the error that SLAVEOF NO ONE alone was answered with …
	refusedAt time.Duration // … and when that was sent
}

// wantsVotes reports whether this attempt needs votes, or fresh ones.
//
// Rule: E-17.
func (f *failover) wantsVotes() bool {
	return f.state >= stateWaitStart && f.state <= stateWaitPromotion
}

// promotion is the configuration that our last promotion made.
type promotion struct {
	epoch quorum.Epoch
	seq   Seq // its write
	at    time.Duration
}

// promotionUnpublished reports whether nobody knows yet of the configuration that we made,
// since it is being written: voters that became free now would stand themselves.
// They are asked again until then, even if the switch is done here.
//
// Rule: E-17, E-40, L-6.
func (c *Core) promotionUnpublished(m *master) bool {
	return m.lastPromotion.seq > c.durableSeq && m.lastPromotion.epoch == m.configEpoch && m.lastPromotion.epoch == m.ballot.Epoch
}

// stepFailover takes the steps that are due.
func (c *Core) stepFailover(m *master) {
	f := &m.failover
	// Nothing irreversible has been done yet, and the outage is over.
	if c.recovered(m) {
		c.spare(m)
		return
	}
	if f.state == stateSelectSlave {
		switch {
		case !f.kind.promotes():
			c.resolveDispute(m)
		case m.ofCluster():
			c.selectSuccessor(m)
		case !c.adoptItsMaster(m):
			c.selectReplica(m)
		}
	}
	// The states follow each other within one step where nothing is waited for.
	if f.state == stateSendNoOne {
		c.sendNoOne(m)
	}
	if f.state == stateWaitPromotion {
		c.watchPromotion(m)
	}
	if f.state == stateReconfSlaves {
		c.reconfigure(m)
	}
	if f.state == stateNone && m.restUntil != never {
		c.repointRest(m)
	}
}

func (c *Core) failoverDue(m *master) time.Duration {
	f := &m.failover
	switch f.state {
	case stateSelectSlave:
		return c.selectDue(m)
	case stateWaitPromotion:
		return f.sentAt + promotionTry + 1
	case stateReconfSlaves:
		return c.reconfDue(m)
	case stateNone:
		return c.restDue(m)
	}
	return farAway
}

// enter moves the failover of m on.
func (c *Core) enter(m *master, s failoverState) {
	invariant.That(s > m.failover.state || s == stateSelectSlave, "B-701", "from %s to %s", m.failover.state, s)
	m.failover.state, m.failover.stateSince = s, c.now.Mono
	for _, r := range m.replicas {
		c.touch(&r.instance) // how often they are asked for INFO changes
	}
}

// elected makes us the leader of the failover epoch.
//
// Rule: B-710, S-3, S-4.
func (c *Core) elected(m *master) {
	f := &m.failover
	invariant.That(c.ownVoteDurable(m), "S-3", "leader of %d before its vote is on disk", f.epoch)
	// Silence is waited for longer after each lost election; this one is won.
	m.election.lost = 0
	f.electedAt = c.now.Mono
	c.event(LevelWarning, "+elected-leader", &m.instance, "")
	c.simulateCrash(afterElection)
	c.enter(m, stateSelectSlave)
	c.event(LevelWarning, "+failover-state-select-slave", &m.instance, "")
	for _, r := range m.replicas {
		// INFO since our SDOWN is fresh enough for an ordinary choice (E-50). In these cases a role
		// decides, and that has to be newer than the election (E-54, E-80 to E-82).
		r.infoNow = r.infoNow || !f.kind.promotes() || r.isNode() || c.mayHaveBeenPromoted(m) || c.misplaced(m)
		c.touch(&r.instance)
	}
	m.infoNow = m.infoNow || !f.kind.promotes()
	c.touch(&m.instance)
	c.touch(&m.node)
}

// leadership is whether we may take the next irreversible step.
type leadership uint8

const (
	leads      leadership = iota
	waits                 // not now: votes are being renewed
	superseded            // never in this attempt
	expired               // out of time
)

// mayPromote re-checks, before each SLAVEOF NO ONE, that we still lead.
//
// Rule: E-34, E-42, E-60, E-64.
func (c *Core) mayPromote(m *master) leadership {
	f := &m.failover
	// First, and by force too: nobody would follow a configuration that is older than theirs (E-60).
	if f.epoch <= m.configEpoch {
		return superseded
	}
	if c.disk.sick {
		return waits // what came of it could not be told to anybody
	}
	if m.ballot.Epoch != f.epoch || m.ballot.Vote != c.self() {
		return superseded // we have voted since: the other may promote, and with our vote
	}
	// Whoever asked for it by hand has taken the decision that votes are for.
	if f.forced {
		return leads
	}
	if c.freshVotes(m) >= m.need() {
		return leads
	}
	// Votes that are stale are asked for again: only when so many have gone to
	// another that the rest cannot suffice is it over.
	lost := 0
	for _, p := range m.peers {
		if p.voteReply.kind == quorum.VoteForOther {
			lost++
		}
	}
	switch {
	case m.voters()-lost < m.need():
		return superseded
	// Voters of ours are free from then on, however often they are asked (E-11).
	case c.now.Mono > m.ballot.CastAt()+m.timing(c).Limit():
		return expired
	}
	return waits
}

// leadershipDue is when mayPromote may change without an input.
func (c *Core) leadershipDue(m *master) time.Duration {
	due := m.ballot.CastAt() + m.timing(c).Limit() + 1
	if due <= c.now.Mono {
		return c.now.Mono + tickEvery // a sick disk
	}
	return due
}

// proceed acts on mayPromote and reports whether to go on.
func (c *Core) proceed(m *master) bool {
	switch c.mayPromote(m) {
	case leads:
		return true
	case superseded:
		c.event(LevelWarning, "-failover-abort-not-elected", &m.instance, "")
		c.endAttempt(m)
		// Another was first. That is no failure of ours, and costs no pause and no rank.
		m.election.pauseUntil, m.election.long = c.now.Mono, false
	case expired:
		c.outOfTime(m)
	}
	return false
}

// outOfTime ends an attempt that had its votes and did not use them in time.
//
// Rule: E-34.
func (c *Core) outOfTime(m *master) {
	c.event(LevelWarning, "-failover-abort-not-elected", &m.instance, "")
	c.endAttempt(m)
	c.markFailed(m, c.self())
	m.election.pauseUntil, m.election.long = c.now.Mono+time.Second, false
}

// A master that answers now and then, each time just before it would be replaced,
// is spared so often within two failover-timeouts, and then replaced.
const sparedMost = 3

// recovered reports whether the master of an attempt that has changed nothing
// yet is up again in our own sight.
//
// Rule: E-34.
func (c *Core) recovered(m *master) bool {
	f, e := &m.failover, &m.election
	// Once SLAVEOF NO ONE was sent, a replica may be a master: giving up would leave two.
	if f.state != stateSelectSlave || m.sdown || !f.kind.sparesTheMaster() || f.sentOne || m.ofCluster() {
		return false
	}
	return e.spared < sparedMost || c.now.Mono > e.sparedAt+m.timing(c).AttemptGap()
}

// spare gives an attempt up because its master has recovered. The outage is
// over: the next one begins as if there had been none.
//
// Rule: E-34.
func (c *Core) spare(m *master) {
	e := &m.election
	c.logLine(LevelWarning, "Failover of '"+m.name+"' given up: the master answers again")
	c.event(LevelWarning, "-failover-abort-not-elected", &m.instance, "")
	c.endAttempt(m)
	// The span counts from the first of the three, so that a master that flaps is replaced in it.
	if c.now.Mono > e.sparedAt+m.timing(c).AttemptGap() {
		e.spared, e.sparedAt = 0, c.now.Mono
	}
	e.spared++
	e.attempts, e.lost, e.pauseUntil, e.long = 0, 0, never, false
}

// choose marks r for promotion.
//
// Rule: B-711.
func (c *Core) choose(m *master, r *replica) {
	f := &m.failover
	if m.unsynced(r) {
		c.logLine(LevelWarning, fmt.Sprintf("SENTINEL FAILOVER promotes %s, the best there is: %s", r.describe(c), replication.NeverSynced))
	}
	c.event(LevelWarning, "+selected-slave", &r.instance, "")
	r.promoted = true
	f.promoted = r
	c.enter(m, stateSendNoOne)
	c.event(LevelNotice, "+failover-state-send-slaveof-noone", &r.instance, "")
	c.touch(&m.node)
}

// sendNoOne promotes the chosen replica, with the look at its INFO in the same
// breath.
//
// Rule: B-712, B-713, E-34, E-52, W-3.
func (c *Core) sendNoOne(m *master) {
	f := &m.failover
	r := f.promoted
	// The choice was made in this step, but an order needs a connection: who has
	// none now may have it again when the others have been tried.
	if !r.connected() || r.sdown {
		c.tryNext(m, "its link is gone")
		return
	}
	if !c.proceed(m) {
		return
	}
	invariant.That(m.configEpoch < f.epoch, "E-34", "promotion in epoch %d, configuration is of %d", f.epoch, m.configEpoch)
	// A node has been promoted by its cluster: only the proof by a second INFO is left (E-82, E-83).
	if !r.isNode() {
		c.sendOrder(&r.instance, replication.Addr{})
		f.sentOne = true
	}
	f.sentAt, f.polls = c.now.Mono, 0
	f.again, f.refused = false, ""
	// An INFO that is under way was asked for before the order, and proves nothing: one behind it
	// does.
	r.infoBusy, r.infoNow = false, true
	c.touch(&r.instance)
	c.enter(m, stateWaitPromotion)
	c.event(LevelNotice, "+failover-state-wait-promotion", &r.instance, "")
}

// promotionTry is how long one replica may take to report role:master (E-53).
const promotionTry = 2 * time.Second

// watchPromotion gives up on a replica that does not become a master.
//
// Rule: E-53, W-18.
func (c *Core) watchPromotion(m *master) {
	f := &m.failover
	r := f.promoted
	switch {
	case r.sdown:
		c.tryNext(m, "it is down")
	// Its process died on the order: waiting for its word would cost two seconds.
	case !r.connected() && r.link.refusedAt > f.sentAt:
		c.tryNext(m, "nobody listens there any more")
	case c.now.Mono > f.sentAt+promotionTry:
		c.tryNext(m, "it does not report to be a master")
	case f.again:
		c.promoteAlone(m)
	}
}

// tryNext gives the chosen replica up and chooses again, in the same epoch.
//
// Rule: E-53, B-712.
func (c *Core) tryNext(m *master, why string) {
	f := &m.failover
	r := f.promoted
	c.logLine(LevelWarning, fmt.Sprintf("Promotion of %s given up: %s", r.describe(c), why))
	// It may become a master yet, long after this: others must know (E-54).
	r.promoted, r.tried = false, f.sentOne
	r.unconfirmedPromotion = r.unconfirmedPromotion || f.sentOne
	f.promoted = nil
	started := f.electedAt
	// The bound is of the whole attempt: each replica alone has its two seconds.
	if best := c.bestReplica(m, c.limits(m)); best == nil || c.now.Mono > started+m.failoverTimeout {
		c.event(LevelWarning, "-failover-abort-slave-timeout", &m.instance, "")
		c.attemptFailed(m, m.timing(c).AttemptPause())
		return
	}
	c.enter(m, stateSelectSlave)
	for _, o := range m.replicas {
		// Not all had answered when the first was chosen: that took one good one and 100 ms (E-50).
		if !c.fresh(m, o) {
			o.infoNow = true
			c.touch(&o.instance)
		}
	}
	c.touch(&m.node)
}

// considerPromotion ends the wait when the chosen replica's INFO, asked for
// after the SLAVEOF, says that it is a master, whatever was answered to that;
// or that it is none, behind a refusal.
//
// Rule: B-530, E-52, E-53, E-60, S-6.
func (c *Core) considerPromotion(m *master, r *replica, askedAt time.Duration) {
	f := &m.failover
	if !r.promoted || f.state != stateWaitPromotion || askedAt < f.sentAt {
		return
	}
	// A refusal alone proves nothing, and neither does INFO that was asked for before
	// it: both together end the wait.
	if r.role != replication.Master {
		if f.refused != "" && askedAt >= f.refusedAt {
			c.tryNext(m, "it answered "+f.refused)
		}
		return
	}
	// A configuration as new was heard of meanwhile, which others follow by now (E-60).
	if f.epoch <= m.configEpoch {
		c.endAttempt(m)
		return
	}
	m.configEpoch = f.epoch
	c.enter(m, stateReconfSlaves)
	c.changeMaster(m)
	m.lastPromotion = promotion{f.epoch, c.seq, c.now.Mono}
	// From here on the promotion is told, but each word of it waits for the write.
	c.awaitWrite(m) // what the voters are asked, and when, is another matter once it is on disk
	c.show(m)
	c.event(LevelWarning, "+promoted-slave", &r.instance, "")
	c.simulateCrash(afterPromotion)
	c.event(LevelWarning, "+failover-state-reconf-slaves", &m.instance, "")
	c.runReconfigScript(m, "leader", c.text(m.addr), c.text(r.addr))
	c.helloAll(m)
	c.demoteOld(m)
	c.touch(&m.node)
}

// demoteOld turns the old master into a replica of the new one at once, if it
// can be reached.
//
// Rule: E-57, W-13, R-17.
func (c *Core) demoteOld(m *master) {
	// Where it cannot be told now, considerRole does it when it is back (E-57).
	if !m.connected() || m.sdown || m.isNode() {
		return
	}
	to := m.failover.promoted.addr
	c.sendOrder(&m.instance, to)
	m.failover.demoted = true
}
