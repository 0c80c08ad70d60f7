package sentinel

import (
	"gosentinel/replication"
)

// switchEvent is the event that clients follow.
const switchEvent = "+switch-master"

// saySwitch tells that clients have to go elsewhere.
//
// Rule: B-730.
func (c *Core) saySwitch(m *master, from, to endpointText) {
	// Until the write is done clients know the address before, and not that of a switch they never
	// saw.
	m.view.from, _ = c.toldLast(m)
	m.view.seq = c.seq
	c.say(LevelWarning, switchEvent, switchText(m, from, to), m)
}

func switchText(m *master, from, to endpointText) string {
	return m.name + " " + from.host + " " + from.port + " " + to.host + " " + to.port
}

// saySwitchHeard is saySwitch, for an address that a peer announces, which is
// durable there. A switch of ours that has not been written yet is told no
// more: to clients it has not happened.
//
// Rule: B-730, E-40.
func (c *Core) saySwitchHeard(m *master, to endpointText) {
	from, _ := c.toldLast(m)
	c.sayNow(LevelWarning, switchEvent, switchText(m, from, to), m)
}

// switchMaster makes addr the master that we watch: its replica takes its
// place, the old master becomes a replica, all begin anew but for their
// connections. by is the run id of the peer that announced it, "" for a
// failover of ours.
//
// Rule: B-731, W-27, E-56.
func (c *Core) switchMaster(m *master, addr replication.Addr, by string) {
	c.changeMaster(m)
	old, oldLink := m.addr, m.link
	m.noteFormer(old)
	replicas := m.replicas
	m.replicas = nil
	links := map[*replica]*link{}
	var taken *link
	dataSet, before := "", ""
	for _, r := range replicas {
		if r.addr.Same(addr) {
			taken = r.link
			// What it reports as a replica is the data set of the old master, with which the next
			// failover must not compare (ADR 0004).
			if r.role == replication.Master {
				dataSet, before = r.info.ReplID, r.info.ReplID2
			}
		}
		links[r] = r.link
		// The object goes and its link stays: orders just sent on it still have to leave (E-56, W-16).
		c.dismiss(&r.instance)
	}
	// The address is an index, a name's user and part of each description: they
	// follow before anything is told.
	m.addr = addr
	c.bindName(&m.instance)
	c.reindex(m, old)
	c.becomeMaster(m, taken)
	m.info.ReplID, m.info.ReplID2 = dataSet, before // its next failover may come before its next INFO (E-55)
	m.switched = switched{at: c.now.Mono, by: by, count: m.switched.count + 1}
	for _, p := range m.peers { // what they said was about the old address (S-4)
		p.agreedAt = never
		p.opinionDown, p.answered, p.askedAt, p.askStep = false, false, never, 0
	}
	for _, r := range replicas {
		if !r.addr.Same(addr) {
			anew := c.rebuildReplica(m, r.addr, links[r])
			// These outlast a switch: a replica tried in vain may still report to be a master
			// (E-53), and who moves it out of the group goes on doing so.
			anew.unconfirmedPromotion, anew.departures = r.unconfirmedPromotion, r.departures
		}
	}
	if !old.Same(addr) {
		c.rebuildReplica(m, old, oldLink)
	} else {
		// The master stays where it is, on the link that becomeMaster has given it: nobody needs
		// this one.
		c.discard(oldLink)
	}
	// A peer has announced it, so it is durable there; a switch of ours is not yet.
	if by != "" {
		c.showHeard(m)
	} else {
		c.show(m)
	}
	c.helloAll(m)
	for _, r := range m.replicas {
		c.event(LevelNotice, "+slave", &r.instance, "")
	}
	c.touch(&m.node)
}

// becomeMaster clears what was known of the old master. taken is the link of
// the replica that takes its place, nil if it was not known.
func (c *Core) becomeMaster(m *master, taken *link) {
	i := &m.instance
	i.sdown, i.killSent, m.odown, m.rebooted = false, false, false, false
	i.sdownSince, m.odownSince = never, never
	// The name voted for was about the old address. The epoch stays: nobody gets a
	// second vote in it.
	m.ballot.Forget()
	m.election.reset()
	m.failover = failover{}
	m.disputed, m.restUntil = never, never
	i.runID, i.infoText = "", ""
	i.info, i.infoAt, i.infoAsked, i.infoNext = unreported(), never, never, never
	i.infoBusy, i.helloBusy, i.helloNext = false, false, never
	i.role, i.roleSince, i.confSince = replication.Master, c.now.Mono, c.now.Mono
	if taken == nil {
		i.link = c.newLink(i, true)
	} else {
		c.adopt(i, taken)
	}
	c.touch(i)
}

// rebuildReplica makes a new replica object on an existing link.
func (c *Core) rebuildReplica(m *master, addr replication.Addr, l *link) *replica {
	r := c.newReplica(m, addr)
	c.discard(r.link)
	c.adopt(&r.instance, l)
	return r
}

// adopt gives i a link that was another's. Its clocks begin anew, with a PING
// at once.
func (c *Core) adopt(i *instance, l *link) {
	// The connections live on, so that the new master is watched without a gap.
	l.users = []*instance{i}
	l.after, l.downs = 0, 0
	i.link = l
	l.restartClocks(c.now.Mono, c.stalled)
	for _, cn := range []*conn{&l.cmd, &l.pub} {
		// Else it would be dialled as late as attempts on its former role allow.
		cn.triedAt = min(cn.triedAt, c.now.Mono-c.params.pingPeriod) // W-27
	}
	c.touch(l)
}

// discard closes a link that nobody uses any more.
func (c *Core) discard(l *link) {
	c.closeLink(l)
	if !l.gone {
		c.linked -= l.connections()
	}
	c.drop(l)
}
