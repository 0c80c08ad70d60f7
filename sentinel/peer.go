package sentinel

import (
	"fmt"
	"slices"
	"time"

	"gosentinel/quorum"
	"gosentinel/replication"
)

// introduce finds the peer that sent h, or makes it known; nil if it cannot be.
// An address where a peer answers by its own run id is nobody else's. Elsewhere
// the latest claim replaces the one before, and counts as that did; of other
// masters it says nothing.
//
// Rule: B-430, E-6.
func (c *Core) introduce(m *master, h helloMessage, from *instance) *peer {
	at, ok := c.addressAsKnown(h.ip, h.port)
	p := m.findPeer(h.runID)
	switch {
	// A hello of a known peer is good for the rest of what it says.
	case !ok:
		return p
	case p != nil && p.addr.Same(at):
		p.claim, p.link.namedAt = claimed{}, c.now.Mono
		return p
	case p != nil:
		c.hearMove(m, p, h, at, from)
		return p
	}
	return c.admit(m, h, at, from)
}

// admit makes a peer known, in the place of one that is known at its address,
// or, when there are too many, of one that nothing is known of. Nothing of what
// is refused is looked up or remembered.
//
// Rule: B-430, E-6.
func (c *Core) admit(m *master, h helloMessage, at replication.Addr, from *instance) *peer {
	var there *peer
	for _, other := range m.peers {
		if other.addr.Same(at) {
			there = other
			break
		}
	}
	switch {
	// Who answers by its own run id holds the address, whatever anybody says.
	case there != nil && there.proven():
		c.dropHello(&h, from, "another Sentinel answers at its address")
		return nil
	case there == nil && len(m.peers) >= maxPeers:
		there = c.dispensable(m)
		if there == nil {
			c.dropHello(&h, from, "too many Sentinels are known")
			return nil
		}
	}
	// Each new peer is an event, a write and a connection: strangers must not make
	// thousands of them.
	if !m.admitted.take(c.now.Mono, time.Second, peerBurst) {
		c.dropHello(&h, from, "too many Sentinels are new")
		return nil
	}
	addr, ok := c.address(h.ip, h.port)
	if !ok {
		return nil
	}
	// A majority must not shrink because one name takes the place of another.
	vouched := false
	switch {
	case there == nil:
	case there.addr.Same(at):
		vouched = there.vouched
		c.event(LevelNotice, "+sentinel-invalid-addr", &there.instance, "")
		c.removePeer(there)
	default:
		c.logLine(LevelNotice, there.describe(c)+" is forgotten: it never answered, and there are too many")
		c.removePeer(there)
	}
	p := c.newPeer(m, addr, h.runID)
	p.vouched = p.vouched || vouched
	c.event(LevelNotice, "+sentinel", &p.instance, "")
	c.changeMaster(m)
	c.touch(&m.node)
	return p
}

const (
	// maxPeers bounds the Sentinels of one master: far more than any has.
	maxPeers = 128
	// peerBurst is how many Sentinels of a master become known at once; then one
	// a second.
	peerBurst = 64
)

// dispensable is the peer that a new one may replace when there are too many:
// one that nobody has ever answered for, and that has not been heard of for
// three publish periods; of several the one silent the longest. nil = none.
//
// Rule: W-28, E-6.
func (c *Core) dispensable(m *master) *peer {
	var found *peer
	for _, p := range m.peers {
		idle := !p.vouched && !p.connected() && c.now.Mono-p.heardAt > 3*c.params.publishPeriod
		if idle && (found == nil || p.heardAt < found.heardAt) {
			found = p
		}
	}
	return found
}

// claimed is an address that hellos give a peer which is known at another; the
// zero value is none.
type claimed struct {
	host  string
	port  int
	since time.Duration // it alone was claimed since
}

// hearMove takes the claim that p is at another address than the one known. Who
// answers by its own run id where it is known does not move because it is said
// once on a channel, where anybody may say so: its own hellos would say so for
// longer than it keeps silent. Else the latest claim counts, but each move is
// an event and a write.
//
// Rule: B-430, E-6, W-28.
func (c *Core) hearMove(m *master, p *peer, h helloMessage, at replication.Addr, from *instance) {
	// Noted even where the move is refused: it may turn out to be the only claim for long enough.
	if p.claim.host != h.ip || p.claim.port != h.port {
		p.claim = claimed{h.ip, h.port, c.now.Mono}
	}
	way := &p.link.moves[0]
	if from == nil {
		way = &p.link.moves[1] // who publishes to us has reached us
	}
	// Said on a channel, where anybody may say it.
	if p.proven() && from != nil && !at.Same(p.link.users[0].addr) {
		steady := 3 * c.params.publishPeriod / 2
		if now := c.now.Mono; now-p.claim.since < steady || now-p.link.namedAt < steady {
			return
		}
	} else if !way.take(c.now.Mono, time.Second, moveBurst) {
		return
	}
	addr, ok := c.address(h.ip, h.port)
	if !ok || addr.IP == "" && p.proven() {
		return // whoever answers is not left for a name that may not resolve: the next hello moves it
	}
	p.claim = claimed{}
	c.event(LevelNotice, "+sentinel-address-switch", &m.instance,
		fmt.Sprintf(" ip %s port %d for %s", h.ip, h.port, h.runID))
	c.movePeer(m, p, addr)
}

// moveBurst is how many moves of a peer are taken from hellos at once; then one
// a second.
const moveBurst = 2

// movePeer gives a peer its new address, under every master that knows it.
func (c *Core) movePeer(m *master, p *peer, addr replication.Addr) {
	// Read before the loop gives all the new address.
	others, elsewhere := 0, !p.link.users[0].addr.Same(addr)
	for _, u := range p.link.users {
		u.addr = addr
		c.bindName(u)
		u.peer.hello = "" // its repetition is none: it tells another address
		// Somebody may have been there and not answered in time, so it goes on counting (E-6).
		u.peer.vouched = u.peer.vouched || p.link.unanswered(c)
		c.changeMaster(u.of)
		c.touch(&u.of.node) // whom it shared its old address with, or shares the new one, has a vote or none
		if u.of != m {
			others++
		}
	}
	p.link.namedAt = c.now.Mono
	// What was learnt of the process at the old address says nothing of this one.
	if elsewhere {
		c.closeLink(p.link)
		p.link.proof, p.link.identified = proofNone, false
		p.link.cmd.triedAt = never
		p.link.restartClocks(c.now.Mono, c.stalled)
		c.touch(p.link) // it is dialled at the new address now, whenever it was last tried at the old
	}
	if others > 0 {
		c.event(LevelNotice, "+sentinel-address-update", &p.instance,
			fmt.Sprintf(" %d additional matching instances", others))
	}
}

// removePeer forgets p; its run id may be known under other masters still.
func (c *Core) removePeer(p *peer) {
	m := p.of
	m.peers = slices.DeleteFunc(m.peers, func(x *peer) bool { return x == p })
	// Failed holds known peers only: one that comes back begins with its rank (E-11).
	delete(m.election.failed, quorum.RunID(p.runID))
	m.ballot.ForgetAsk(quorum.RunID(p.runID))
	c.retire(&p.instance)
	c.changeMaster(m)
	c.touch(&m.node)
}
