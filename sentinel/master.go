package sentinel

import (
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/quorum"
	"gosentinel/replication"
)

// master is a monitored master with all that is known around it.
type master struct {
	instance
	node masterNode

	quorum          int
	downAfter       time.Duration
	failoverTimeout time.Duration
	parallelSyncs   int
	rebootDownAfter time.Duration // 0 = off
	set             setTimes
	notifyScript    string
	reconfigScript  string
	authPass        *conf.Secret
	authUser        *string
	renames         []conf.Rename
	words           map[string]string // renames by command in upper case

	replicas   []*replica
	peers      []*peer
	renumbered bool // a replica has a new IP, which another may have too

	configEpoch quorum.Epoch
	ballot      quorum.Ballot

	rebooted   bool // its run id changed and it has not said PONG since (B-313)
	rebootedAt time.Duration

	odown          bool
	odownSince     time.Duration // start of the last ODOWN; never
	discoverySince time.Duration // since when its peers are being discovered (E-18); never = loaded with peers
	closedAt       time.Duration // since when that discovery is closed; never = it is not

	election      election
	failover      failover
	switched      switched
	told          budget // for configurations that hellos tell
	answers       budget // for answers to hellos of older ones, on channels
	admitted      budget // for Sentinels that hellos make known
	lastPromotion promotion
	view          clientView
	guide         *guide             // whom it follows, as asked last; nil = never (E-81)
	former        []replication.Addr // that it had before, the oldest first

	restUntil  time.Duration // until when we re-point what our last failover has left; never = there is nothing (E-56)
	restFrom   replication.Addr
	disputed   time.Duration   // since when a peer disputes our address in this config epoch; never (E-80)
	dataSet    map[string]bool // the replication ids of its data set, of each history; nil = to be collected
	badReplica string          // the last replica host that was no address, logged once

	saved *conf.Master // as last given to Durable; nil = changed since
}

// setTimes are times as the file says them, where more than longest is counted
// as that.
type setTimes struct{ downAfter, failoverTimeout, rebootDownAfter time.Duration }

// switched remembers the last change of address.
type switched struct {
	at    time.Duration // never = none
	by    string        // run id of the peer that announced it, "" = we did
	count uint32        // how many there were
}

// voters is how many Sentinels vote on this master, ourselves included.
//
// Rule: B-620, E-6.
func (m *master) voters() int {
	n := 1
	for _, p := range m.peers {
		if p.counts() {
			n++
		}
	}
	return n
}

func (m *master) timing(c *Core) quorum.Timing {
	return quorum.Timing{ElectionTimeout: c.params.electionTimeout, FailoverTimeout: m.failoverTimeout}
}

// current is the address that clients and peers are told: that of the promoted
// replica from the moment its promotion is proven.
//
// Rule: B-402.
func (m *master) current() replication.Addr {
	if m.failover.promoted != nil && m.failover.state >= stateReconfSlaves {
		return m.failover.promoted.addr
	}
	return m.addr
}

// rename is the word by which instances of this master know a command, which is
// given in upper case.
//
// Rule: B-124.
func (m *master) rename(command string) string {
	if word, ok := m.words[command]; ok {
		return word
	}
	return command
}

// setRenames replaces all renamed commands; of two for one command the first
// counts.
func (m *master) setRenames(renames []conf.Rename) {
	m.renames, m.words = renames, nil
	for _, r := range renames {
		command := strings.ToUpper(r.Old)
		if _, ok := m.words[command]; ok {
			continue
		}
		if m.words == nil {
			m.words = map[string]string{}
		}
		m.words[command] = r.New
	}
}

func (m *master) findReplica(addr replication.Addr) *replica {
	for _, r := range m.replicas {
		if r.addr.Same(addr) {
			return r
		}
	}
	return nil
}

func (m *master) findPeer(id string) *peer {
	for _, p := range m.peers {
		if p.runID == id {
			return p
		}
	}
	return nil
}

// eachInstance calls f for the master, its replicas and its peers.
func (m *master) eachInstance(f func(*instance)) {
	f(&m.instance)
	for _, r := range m.replicas {
		f(&r.instance)
	}
	for _, p := range m.peers {
		f(&p.instance)
	}
}

// masterNode is the node of a master that decides: ODOWN, asks, candidacy and the
// steps of a failover.
type masterNode struct {
	place
	m *master
}

func (w *masterNode) act(c *Core) {
	m := w.m
	// First: whether anybody may stand depends on it.
	c.judgeODown(m)
	if c.tilt {
		return
	}
	// Before the election, which must not wait for a discovery that this input has closed.
	c.discover(m)
	c.stepElection(m)
	c.stepFailover(m)
	// Last: who has begun to stand in this step asks for votes in it (E-15).
	c.askPeers(m)
}

func (w *masterNode) due(c *Core) time.Duration {
	m := w.m
	if c.tilt {
		return farAway
	}
	return min(c.askDue(m), c.odownDue(m), c.electionDue(m), c.failoverDue(m))
}
