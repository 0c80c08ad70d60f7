package sentinel

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/invariant"
	"gosentinel/quorum"
	"gosentinel/replication"
)

// addMaster starts to watch a master with the options that a new one has. Its
// votes begin at the current epoch, so that removing a master and adding it
// again forgets none.
//
// Rule: K-2.8, E-18, E-21.
func (c *Core) addMaster(name string, addr replication.Addr, quorumSize int) *master {
	m := &master{
		quorum:          quorumSize,
		downAfter:       c.params.defaultDownAfter,
		failoverTimeout: c.params.defaultFailoverTimeout,
		parallelSyncs:   conf.DefaultParallelSyncs,
		odownSince:      never,
		disputed:        never,
		restUntil:       never,
		discoverySince:  c.now.Mono,
		closedAt:        never,
		ballot:          quorum.Restore(c.now.Mono, c.epoch, false),
		switched:        switched{at: never},
	}
	m.instance = newInstance(c, kindMaster, m, addr)
	m.name = name
	m.role = replication.Master
	m.info = unreported()
	m.node.m = m
	m.election.reset()
	c.masters = append(c.masters, m)
	c.byName[name] = m
	c.byAddr.add(m)
	m.link = c.newLink(&m.instance, true)
	c.bindName(&m.instance)
	c.touch(&m.instance)
	c.touch(&m.node)
	return m
}

// unreported is what is assumed of an instance before its first INFO.
func unreported() replication.Info {
	return replication.Info{Priority: 100, Announced: true}
}

// load adds a master as the file describes it. An address that the settings do
// not allow is an error; a replica or peer that stands there twice counts once,
// and a line with our own run id is none.
//
// Rule: B-1104, C-52, E-18, E-21, E-24.
func (c *Core) load(f *conf.Master) error {
	addr, ok := c.address(f.Addr.Host, f.Addr.Port)
	if !ok {
		return fmt.Errorf("master %s: bad address %s", f.Name, replication.Join(f.Addr.Host, f.Addr.Port))
	}
	if c.byName[f.Name] != nil {
		return fmt.Errorf("master %s: name in use", f.Name)
	}
	m := c.addMaster(f.Name, addr, f.Quorum)
	m.set = setTimes{f.DownAfter, f.FailoverTimeout, f.RebootDownAfter}
	// The link was made under the default down-after.
	m.downAfter, m.failoverTimeout, m.link.after = span(f.DownAfter), span(f.FailoverTimeout), 0
	m.parallelSyncs = f.ParallelSyncs
	m.rebootDownAfter = span(f.RebootDownAfter)
	m.notifyScript, m.reconfigScript = f.NotificationScript, f.ClientReconfigScript
	m.authPass, m.authUser = f.AuthPass, f.AuthUser
	m.setRenames(slices.Clone(f.Renames))
	m.configEpoch = quorum.Epoch(f.ConfigEpoch)
	// Without the line the ballot stays at the current epoch: votes of a former life may be missing
	// (E-21).
	if f.HasLeaderEpoch {
		m.ballot = quorum.Restore(c.now.Mono, quorum.Epoch(f.LeaderEpoch), f.LeaderEpoch > f.ConfigEpoch)
	}
	for _, r := range f.Replicas {
		addr, ok := c.address(r.Host, r.Port)
		if !ok {
			return fmt.Errorf("master %s: bad replica address %s", f.Name, replication.Join(r.Host, r.Port))
		}
		if m.findReplica(addr) == nil {
			c.newReplica(m, addr)
		}
	}
	for _, p := range f.Sentinels {
		addr, ok := c.address(p.Addr.Host, p.Addr.Port)
		if !ok {
			return fmt.Errorf("master %s: bad sentinel address %s", f.Name, replication.Join(p.Addr.Host, p.Addr.Port))
		}
		if p.RunID == "" || p.RunID == c.myID || m.findPeer(p.RunID) != nil {
			continue
		}
		// It was known in a former life, and no hello of this one may lower the majority (E-6).
		c.newPeer(m, addr, p.RunID).vouched = true
		// Who knows a peer from before has not lost the others (W-35).
		m.discoverySince = never
	}
	return nil
}

// newReplica adds a replica to m. The caller has made sure that m does not
// have it yet, and announces it.
func (c *Core) newReplica(m *master, addr replication.Addr) *replica {
	r := &replica{sentAt: never, demotedAt: never, joinedAt: never}
	r.instance = newInstance(c, kindReplica, m, addr)
	r.replica = r
	r.name = c.replicaName(addr)
	r.role = replication.Replica
	r.info = unreported()
	r.link = c.newLink(&r.instance, true)
	m.replicas = append(m.replicas, r)
	m.saved = nil
	c.bindName(&r.instance)
	c.touch(&r.instance)
	c.touch(&m.node)
	return r
}

// replicaName is the name of a replica: its address as it is shown.
func (c *Core) replicaName(a replication.Addr) string {
	return replication.Join(a.Shown(c.announceHostnames), a.Port)
}

// newPeer adds a Sentinel to m, on the link that it has under other masters.
// The caller has made sure that m does not have it yet, and announces it.
//
// Rule: B-121.
func (c *Core) newPeer(m *master, addr replication.Addr, runID string) *peer {
	p := &peer{
		heardAt: c.now.Mono, answeredAt: c.now.Mono,
		agreedAt: never, asksAt: never, askedAt: never, disputeAt: never,
		voteReply: voteReply{asked: never, sentAt: never, withheldSince: never, retryAt: never},
	}
	p.instance = newInstance(c, kindPeer, m, addr)
	p.peer = p
	p.name, p.runID = runID, runID
	c.joinPeerLink(p)
	p.vouched = p.link.proof == proofGiven || p.link.proof == proofDenied
	m.peers = append(m.peers, p)
	// Whom it knows has to be heard before discovery is closed again (E-18).
	m.closedAt, m.saved = never, nil
	c.bindName(&p.instance)
	c.touch(&p.instance)
	c.touch(&m.node)
	return p
}

// retire lets an instance act no more and takes it off its link.
func (c *Core) retire(i *instance) {
	c.leaveLink(i)
	c.dismiss(i)
}

// dismiss lets an instance act no more, whose link may be another's now.
func (c *Core) dismiss(i *instance) {
	c.unbindName(i)
	c.drop(i)
}

// removeMaster forgets m and all that is known around it.
//
// Rule: K-2.9.
func (c *Core) removeMaster(m *master) {
	m.eachInstance(c.retire)
	c.drop(&m.node)
	c.byAddr.remove(m, m.addr)
	delete(c.byName, m.name)
	c.masters = slices.DeleteFunc(c.masters, func(x *master) bool { return x == m })
}

// resetMaster forgets replicas, peers, opinions and a failover of m. What the
// file holds of m changes, but is not written for this. A new configuration that
// is being told stays: others may have heard of it, with its config epoch.
//
// Rule: B-104, K-2.4, E-18, S-7.
// Departs: ADR 0002.
func (c *Core) resetMaster(m *master) {
	// Before all is forgotten: it is this attempt that knows the new address.
	if m.failover.state >= stateReconfSlaves {
		c.endFailover(m, false)
	}
	for _, r := range m.replicas {
		c.retire(&r.instance)
	}
	for _, p := range m.peers {
		c.retire(&p.instance)
	}
	m.replicas, m.peers, m.dataSet = nil, nil, nil
	m.sdown, m.odown, m.rebooted, m.killSent = false, false, false, false
	m.link.downs = 0 // a master shares it with nobody
	m.restUntil = never
	// The epoch stays, or the same vote could be given to two (B-104, S-2).
	m.ballot.Forget()
	m.election.reset()
	m.failover = failover{}
	m.runID = ""
	m.info.MasterHost, m.info.MasterPort = "", 0
	m.role, m.roleSince, m.confSince = replication.Master, c.now.Mono, c.now.Mono
	m.discoverySince, m.closedAt = c.now.Mono, never
	m.saved = nil
	c.closeLink(m.link)
	m.link.restartClocks(c.now.Mono, c.stalled)
	m.infoNow = true
	c.show(m)
	c.event(LevelWarning, "+reset-master", &m.instance, "")
	c.touchMaster(m)
}

// touchMaster lets all of m act in this step, after a change of its options.
func (c *Core) touchMaster(m *master) {
	m.eachInstance(func(i *instance) {
		i.link.after = 0
		c.touch(i)
		c.touch(i.link)
	})
	c.touch(&m.node)
}

// announceMonitor tells that m is watched.
func (c *Core) announceMonitor(m *master) {
	c.event(LevelWarning, "+monitor", &m.instance, " quorum "+itoa(m.quorum))
}

// addrKey is one of the ways to name the address of a master.
type addrKey struct {
	host string // lower case
	port int
}

// addrIndex finds masters by address; several may share one. Made by init.
type addrIndex struct {
	byHost map[addrKey][]*master
	byIP   map[addrKey][]*master
}

func (x *addrIndex) init() {
	x.byHost = map[addrKey][]*master{}
	x.byIP = map[addrKey][]*master{}
}

// add files m under its address.
func (x *addrIndex) add(m *master) {
	k := addrKey{strings.ToLower(m.addr.Host), m.addr.Port}
	x.byHost[k] = append(x.byHost[k], m)
	if m.addr.IP != "" {
		k := addrKey{m.addr.IP, m.addr.Port}
		x.byIP[k] = append(x.byIP[k], m)
	}
}

// remove takes m out, which was filed under old.
func (x *addrIndex) remove(m *master, old replication.Addr) {
	take := func(from map[addrKey][]*master, k addrKey) {
		rest := slices.DeleteFunc(from[k], func(o *master) bool { return o == m })
		if len(rest) == 0 {
			delete(from, k)
			return
		}
		from[k] = rest
	}
	take(x.byHost, addrKey{strings.ToLower(old.Host), old.Port})
	if old.IP != "" {
		take(x.byIP, addrKey{old.IP, old.Port})
	}
}

// find returns a master whose address is the same as a, or nil. Of several it
// is one that was filed first, by IP before by host text.
//
// Rule: B-1122, K-2.3.
func (x *addrIndex) find(a replication.Addr) *master {
	if a.IP != "" {
		if found := x.byIP[addrKey{a.IP, a.Port}]; len(found) > 0 {
			return found[0]
		}
	}
	if found := x.byHost[addrKey{strings.ToLower(a.Host), a.Port}]; len(found) > 0 {
		return found[0]
	}
	return nil
}

// reindex files m anew after its address, old until now, has changed.
func (c *Core) reindex(m *master, old replication.Addr) {
	c.byAddr.remove(m, old)
	c.byAddr.add(m)
	invariant.That(c.byAddr.find(m.addr) != nil, "K-2.3", "master %s is not filed under its address", m.name)
}

// ms is d in whole milliseconds.
func ms(d time.Duration) int64 { return d.Milliseconds() }
