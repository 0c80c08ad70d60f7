package sentinel

import (
	"slices"

	"gosentinel/conf"
	"gosentinel/replication"
)

// Durable is the state to write now, and the Seq that it covers. Masters that
// did not change since the last call are shared with it, immutable: the cost is
// that of the changes. It may be called between any two steps.
//
// Rule: B-1001, C-90.
func (c *Core) Durable() (conf.State, Seq) {
	st := c.general
	st.LogLevel = c.logLevel
	st.MyID = c.myID
	st.CurrentEpoch = uint64(c.epoch)
	st.DenyScriptsReconfig = c.denyScripts
	st.ResolveHostnames = c.resolveHostnames
	st.AnnounceHostnames = c.announceHostnames
	st.AnnounceIP, st.AnnouncePort = c.announceIP, c.announcePort
	st.SentinelUser, st.SentinelPass = c.peerUser, c.peerPass
	st.Masters = make([]*conf.Master, len(c.masters))
	for i, m := range c.masters {
		if m.saved == nil {
			m.saved = c.record(m)
		}
		st.Masters[i] = m.saved
	}
	return st, c.seq
}

// record is what the file holds of m: of the peers those that count. While its failover is announced and not
// finished, the promoted replica already stands as the master, and the old
// master in that replica's place.
//
// Rule: B-1005, C-104, E-21.
func (c *Core) record(m *master) *conf.Master {
	f := &conf.Master{
		Name:                 m.name,
		Addr:                 c.endpoint(m.current()),
		Quorum:               m.quorum,
		DownAfter:            asSet(m.downAfter, m.set.downAfter),
		FailoverTimeout:      asSet(m.failoverTimeout, m.set.failoverTimeout),
		ParallelSyncs:        m.parallelSyncs,
		NotificationScript:   m.notifyScript,
		ClientReconfigScript: m.reconfigScript,
		AuthPass:             m.authPass,
		AuthUser:             m.authUser,
		RebootDownAfter:      asSet(m.rebootDownAfter, m.set.rebootDownAfter),
		Renames:              slices.Clone(m.renames),
		ConfigEpoch:          uint64(m.configEpoch),
		LeaderEpoch:          uint64(m.ballot.Epoch),
		HasLeaderEpoch:       true,
		Replicas:             make([]conf.Endpoint, 0, len(m.replicas)),
		Sentinels:            make([]conf.Peer, 0, len(m.peers)),
	}
	for _, r := range m.replicas {
		addr := r.addr
		if addr.Same(m.current()) {
			addr = m.addr
		}
		f.Replicas = append(f.Replicas, c.endpoint(addr))
	}
	for _, p := range m.peers {
		if !p.counts() {
			continue
		}
		f.Sentinels = append(f.Sentinels, conf.Peer{Addr: c.endpoint(p.addr), RunID: p.runID})
	}
	return f
}

// endpoint is an address as the file spells it.
//
// Rule: C-103, R-10.
func (c *Core) endpoint(a replication.Addr) conf.Endpoint {
	return conf.Endpoint{Host: a.Shown(c.announceHostnames), Port: a.Port}
}
