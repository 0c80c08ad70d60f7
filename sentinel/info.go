package sentinel

import (
	"strings"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/replication"
)

// askInfo sends INFO to a master or replica when it is due, or when the
// periodic one is due by until; never a second one while one is unanswered.
//
// Rule: B-501, B-503.
func (c *Core) askInfo(i *instance, until time.Duration) {
	if due := c.infoDue(i); due > c.now.Mono {
		// A fast poll that is sent ahead would only be a faster one.
		if due > until || i.infoNext > c.now.Mono || c.infoPeriod(i) < c.params.infoPeriod {
			return
		}
	}
	if !i.infoNow {
		i.infoEarly = 0
	}
	i.infoBusy, i.infoNow, i.infoAsked = true, false, c.now.Mono
	c.sendNow(&i.link.cmd, pending{is: sendInfo, inst: i}, []string{i.link.word("INFO")})
}

func (c *Core) infoDue(i *instance) time.Duration {
	if i.kind == kindPeer || i.infoBusy || i.link.cmd.state == connClosed {
		return farAway
	}
	if i.infoNow || i.infoAsked == never {
		return max(c.now.Mono, i.infoNext)
	}
	period := c.infoPeriod(i)
	due := i.infoAsked + period
	if period == c.params.infoPeriod {
		due = c.turn(i.link, due-min(i.infoEarly, period), period)
	}
	return max(due, i.infoNext)
}

// infoPeriod is how often i is asked for INFO as things stand: each second at
// least while nothing is known of it, or nothing new because it refuses.
//
// Rule: B-502, B-503, E-50, E-52, E-56, W-3, W-4, W-12.
func (c *Core) infoPeriod(i *instance) time.Duration {
	period := c.usualInfoPeriod(i)
	if i.isNode() {
		period = min(period, c.nodePeriod(i))
	}
	if i.infoError || i.infoAt == never {
		return min(period, fastInfo)
	}
	return period
}

func (c *Core) usualInfoPeriod(i *instance) time.Duration {
	p := c.params
	r, m := i.replica, i.of
	if r == nil {
		if i.role == replication.Replica {
			return min(p.infoPeriod, fastInfo)
		}
		return p.infoPeriod
	}
	f := &m.failover
	switch {
	case r.promoted && f.state == stateWaitPromotion:
		return replication.PromotionPoll(f.polls)
	case f.state == stateSelectSlave:
		return min(p.infoPeriod, selectPoll)
	case r.reconf == reconfSent || r.reconf == reconfInProgress:
		return min(p.infoPeriod, replication.SyncPoll(c.now.Mono-r.sentAt))
	case r.demoting:
		return min(p.infoPeriod, replication.SyncPoll(c.now.Mono-r.demotedAt))
	case m.odown || m.failover.state != stateNone || r.unlinked() || r.stray():
		return min(p.infoPeriod, fastInfo)
	}
	return p.infoPeriod
}

const (
	fastInfo   = time.Second            // B-502
	selectPoll = 100 * time.Millisecond // E-50
)

// infoReply takes the answer to an INFO asked for at sentAt.
//
// Rule: B-501, B-503, behaviour.md 5.2.
func (c *Core) infoReply(i *instance, v resp.Value, sentAt time.Duration) {
	i.infoBusy = false
	c.touch(i)
	i.infoError = v.Kind != resp.Bulk && v.Kind != resp.Verbatim
	if i.infoError {
		// The usual period is ten seconds, and a promise made for this instance may be
		// waiting (field reports: a BUSY old master took writes for six).
		i.infoNext = c.now.Mono + time.Second
		return
	}
	if i.replica != nil && i.of.failover.state == stateWaitPromotion && i.replica.promoted {
		i.of.failover.polls++
	}
	// What equals the kept part of a longer text is another text.
	if v.Str != i.infoText || i.infoCut {
		i.readInfo(v.Str)
	}
	i.infoAt = c.now.Mono
	c.learn(i)
	c.touch(&i.of.node)
	if i.replica == nil {
		for _, r := range i.of.replicas {
			c.touch(&r.instance) // how often it is asked depends on whether the master lists it
		}
	}
	// What is known may be told in TILT, but nothing follows from it (B-803).
	if c.tilt {
		return
	}
	if r := i.replica; r != nil {
		c.considerRole(i.of, r)
		c.considerPromotion(i.of, r, sentAt)
		c.considerSync(i.of, r)
	} else {
		// Else they would be looked at with their own next INFO only (B-524).
		for _, r := range i.of.replicas { // the master may have become sane
			if r.stray() {
				c.considerRole(i.of, r)
			}
		}
	}
}

// maxInfoText is how much of an INFO text is kept for INFO-CACHE, in bytes: that
// of a Redis server with hundreds of replicas.
const maxInfoText = 64 << 10

// askAnew asks i for INFO at once, whatever it answered before: it is well
// again.
//
// Rule: B-503, W-12.
func (c *Core) askAnew(i *instance) {
	if i.kind == kindPeer {
		return
	}
	i.infoNow, i.infoNext = true, never
	c.touch(i)
}

// readInfo parses an INFO text, and keeps it up to its last whole line below the
// bound. What only replicas report is kept as last reported when the instance
// says that it is a master.
//
// Rule: K-2.13, S2.7.
func (i *instance) readInfo(text string) {
	old := i.info
	i.info.Read(text)
	if i.infoCut = len(text) > maxInfoText; i.infoCut {
		text = strings.Clone(text[:strings.LastIndexByte(text[:maxInfoText], '\n')+1])
	}
	i.infoText = text
	if i.info.Role == replication.Replica {
		if i.info.MasterPort != old.MasterPort || !equalFold(i.info.MasterHost, old.MasterHost) {
			i.confMoved = true
		}
		return
	}
	i.info.MasterHost, i.info.MasterPort = old.MasterHost, old.MasterPort
	i.info.LinkUp, i.info.Priority = old.LinkUp, old.Priority
	i.info.Offset, i.info.Announced = old.Offset, old.Announced
}

// learn takes over what INFO says, whatever it means for a failover.
//
// Rule: behaviour.md 5.2, B-313, B-520, W-19.
func (c *Core) learn(i *instance) {
	in, m := &i.info, i.of
	if in.RunID != "" && in.RunID != i.runID {
		// The first id that it tells is no reboot.
		if i.runID != "" {
			c.event(LevelNotice, "+reboot", i, "")
			if i.kind == kindMaster && m.rebootDownAfter != 0 {
				// Its data may be gone, and replicas would copy the emptiness (redis #2087).
				m.rebooted, m.rebootedAt = true, c.now.Mono
			}
		}
		i.runID = in.RunID
	}
	if i.kind == kindMaster {
		for _, r := range in.Replicas {
			c.learnReplica(m, r)
		}
		// The list may have named by IP what is known here by a name.
		c.mergeReplicas(m)
	}
	if in.Role != i.role {
		c.roleChanged(i, in.Role)
	}
	c.hearKind(i)
	if i.confMoved {
		i.confMoved, i.confSince = false, c.now.Mono
	}
	if r := i.replica; r != nil && in.Role == replication.Replica {
		r.followed = true
		c.noteMove(r)
	}
	c.tellNode(i)
	if m.sdown || m.failover.state != stateNone {
		m.noteHistory(i) // little may have been known when they were noted
	}
}

// hearKind tells of what has no role, and is no Redis server that anybody could
// fail over: the port of another Sentinel, say.
//
// Rule: B-931.
func (c *Core) hearKind(i *instance) {
	if i.role != replication.Unknown {
		c.appease(i.link, topicKind, "", "tells a role in INFO")
		return
	}
	mode := "no redis_mode"
	if _, rest, ok := strings.Cut("\n"+i.infoText, "\nredis_mode:"); ok {
		mode, _, _ = strings.Cut(rest, "\n")
		mode = "redis_mode:" + plain(strings.TrimSuffix(mode, "\r"))
	}
	c.complain(i.link, topicKind, "", "tells no role in INFO, but %s: no Redis server to be watched", mode)
}

// roleChanged stores a new reported role; what tells none counts as no master,
// nor as a replica.
//
// Rule: B-520.
func (c *Core) roleChanged(i *instance, role replication.Role) {
	i.role, i.roleSince = role, c.now.Mono
	if role == replication.Replica {
		i.confSince = c.now.Mono
	}
	name := "-role-change"
	if role != replication.Unknown && (i.kind == kindMaster) == (role == replication.Master) {
		name = "+role-change"
	}
	c.event(LevelVerbose, name, i, " new reported role is "+shownRole(role))
}

// shownRole is how a reported role is told.
//
// Rule: B-520.
func shownRole(role replication.Role) string {
	if role == replication.Unknown {
		role = replication.Replica
	}
	return role.String()
}

// maxReplicas bounds the replicas remembered for one master.
const maxReplicas = 4096

// learnReplica makes a replica known that the master lists.
//
// Rule: B-102, B-511.
func (c *Core) learnReplica(m *master, rep replication.Reported) {
	// By the text first: the same lines come with every INFO, and resolving each is dear (W-34).
	if len(m.replicas) >= maxReplicas || m.lists(rep) {
		return
	}
	addr, ok := c.address(rep.Host, rep.Port)
	if !ok {
		if rep.Host != m.badReplica {
			m.badReplica = rep.Host
			c.logLine(LevelWarning, "Failed to resolve hostname '"+rep.Host+"'")
		}
		return
	}
	if m.findReplica(addr) != nil {
		return
	}
	r := c.newReplica(m, addr)
	c.changeMaster(m)
	c.event(LevelNotice, "+slave", &r.instance, "")
}

// lists reports whether a replica of m has the address that is spelled so.
func (m *master) lists(rep replication.Reported) bool {
	for _, r := range m.replicas {
		if r.addr.Port == rep.Port && r.addr.Host == rep.Host {
			return true
		}
	}
	return false
}

// looksSane reports whether m is a master that replicas may be pointed to.
//
// Rule: B-522.
func (c *Core) looksSane(m *master) bool {
	return m.role == replication.Master && !m.sdown && !m.odown &&
		c.now.Mono-m.infoAt <= 2*c.params.infoPeriod
}

// stray reports whether r says that it is a master, or follows something else
// than the master that we watch. One that this serves follows it, by whatever
// name.
//
// Rule: R-24.
func (r *replica) stray() bool {
	if r.infoAt == never {
		return false
	}
	return r.role == replication.Master || r.role == replication.Replica && !r.followsAddr(r.of.addr) && !r.of.serves(r)
}

// unlinked reports whether r says that its link to its master is not up; right
// after a change of master that has lasted for 0 s.
//
// Rule: B-502.
func (r *replica) unlinked() bool {
	return r.info.LinkDown != 0 || r.info.Role == replication.Replica && !r.info.LinkUp
}

// followsAddr reports whether r follows a.
func (r *replica) followsAddr(a replication.Addr) bool { return r.reportsToFollow(a) }

// reportsToFollow reports whether i last reported to follow a.
func (i *instance) reportsToFollow(a replication.Addr) bool {
	in := &i.info
	return in.MasterPort == a.Port && (in.MasterHost == a.IP || equalFold(in.MasterHost, a.Host))
}

// considerRole turns a stray replica back to the master: one that claims to be
// a master, or one that follows another.
//
// Rule: behaviour.md 5.3, B-523, B-524, W-12, W-14, E-53, E-57.
func (c *Core) considerRole(m *master, r *replica) {
	// Told whatever else holds: the order has been given and obeyed.
	if r.role == replication.Replica && r.demoting {
		r.demoting = false
		c.event(LevelNotice, "+convert-to-slave", &r.instance, "")
	}
	if c.tilt || c.disk.sick || !r.stray() || r.promoted || r.is(&m.instance) || m.failover.state != stateNone || !c.looksSane(m) || !r.connected() {
		return
	}
	// Who was told a moment ago cannot have obeyed yet. What is left of a failover has its own slots.
	if c.now.Mono-r.demotedAt < demoteAgain || c.outvoted(m) || r.isNode() || r.left {
		return
	}
	if r.role == replication.Master {
		// Where a failover explains the role, the master need not be asked what it is (B-522).
		if c.now.Mono < c.convertTime(m, r) || !c.convertsAtOnce(m, r) && !c.sure(m, r.roleSince) {
			return
		}
		c.follow(r, m.addr)
		r.demotedAt = c.now.Mono
		if c.convertsAtOnce(m, r) {
			// Its event comes when it is a replica, since orders can be refused (E-57).
			r.demoting = true
			return
		}
		c.event(LevelNotice, "+convert-to-slave", &r.instance, "")
		return
	}
	if c.now.Mono < c.fixTime(m, r) || !m.leftBehind(r) && !c.sure(m, r.confSince) || c.followsAlias(m, r) {
		return
	}
	c.follow(r, m.addr)
	r.demotedAt = c.now.Mono
	c.event(LevelNotice, "+fix-slave-config", &r.instance, "")
}

// demoteAgain is the least time between two SLAVEOF to one stray replica.
const demoteAgain = time.Second

// convertsAtOnce reports whether a replica that claims to be a master is an
// old master that has come back, or a replica tried in vain: never announced
// by anybody as the master of a newer configuration. Where we gave a vote whose
// outcome we do not know, whether we still know for whom or not, it may be the
// master whose announcement is on its way.
//
// Rule: W-12, E-44, E-53, E-57.
func (c *Core) convertsAtOnce(m *master, r *replica) bool {
	if m.ballot.Unfinished(m.configEpoch) || !c.confirmed(m) {
		return false
	}
	return !r.followed || r.unconfirmedPromotion
}

// convertTime is when a replica that claims to be a master may be converted.
func (c *Core) convertTime(m *master, r *replica) time.Duration {
	if c.convertsAtOnce(m, r) {
		return c.now.Mono
	}
	wait := 4 * c.params.publishPeriod
	return max(r.roleSince, r.lastDown(), never) + wait
}

// follow sends the transaction that makes r a replica of a.
//
// Rule: B-713, E-40.
func (c *Core) follow(r *replica, a replication.Addr) {
	c.sendOrder(&r.instance, a)
	r.infoNow = true
	c.touch(&r.instance)
}
