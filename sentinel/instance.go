package sentinel

import (
	"fmt"
	"time"

	"gosentinel/quorum"
	"gosentinel/replication"
)

// kind tells masters, replicas and peers apart.
type kind uint8

const (
	kindMaster kind = iota
	kindReplica
	kindPeer
)

// String is the word of event payloads and flags.
func (k kind) String() string { return [...]string{"master", "slave", "sentinel"}[k] }

// instance is what masters, replicas and peers have in common. It is a node:
// it judges SDOWN, and asks for INFO and publishes hellos when they are due.
type instance struct {
	place
	kind      kind
	of        *master  // the master it belongs to; for a master itself
	replica   *replica // itself, if it is one
	peer      *peer    // itself, if it is one
	name      string   // master: configured; replica: host:port as announced; peer: run id
	addr      replication.Addr
	runID     string // "" = unknown
	link      *link
	boundName *hostName // the name that its address is known by; nil = it is an IP
	bearsAt   int       // its place among those that bear it

	sdown      bool
	sdownSince time.Duration // start of the last SDOWN, even when it is over; never = none
	killSent   bool          // SCRIPT KILL was sent in this SDOWN (B-305)

	helloAt    time.Duration // last hello that was acknowledged; never = none yet
	helloBusy  bool          // one is on its way
	helloNext  time.Duration // no hello before, after an error
	helloNow   bool          // something changed: send one at once
	helloEarly time.Duration // by how much the next comes before its period

	// Masters and replicas only.
	info       replication.Info
	infoText   string
	infoCut    bool          // it was longer than what is kept of it
	infoAt     time.Duration // last INFO reply; never = none
	infoBusy   bool
	infoNext   time.Duration // no INFO before, after an error
	node       bool          // the log knows that it is a node of a cluster
	infoError  bool          // the last INFO was answered by an error
	infoNow    bool          // ask at once
	infoAsked  time.Duration // when the last INFO was asked for
	infoEarly  time.Duration // by how much the next comes before its period
	role       replication.Role
	roleSince  time.Duration
	confSince  time.Duration // when the reported master last changed
	confMoved  bool          // … as the INFO just read says
	noted      string        // the last refusal of an order that was logged, and when
	notedAt    time.Duration
	lastReplID string // the replication id of the master's data set that it told last, as of this outage
}

// replica is a replica of a monitored master.
type replica struct {
	instance
	promoted             bool
	reconf               reconfState
	sentAt               time.Duration // when it was told to follow the promoted replica
	left                 bool          // it had not followed when our switch was made (E-56)
	tried                bool          // its promotion was tried in this failover and failed (E-53)
	unconfirmedPromotion bool          // SLAVEOF NO ONE was sent to it, and it was not announced since (E-53, E-54)
	wasSeen              bool          // it had answered INFO by then
	wasOurs              bool          // in its last INFO before our SDOWN of the master it followed it (E-54)
	followed             bool          // it has reported role:slave since it is known here
	follows              bool          // in its last INFO as a replica it followed the master that we watch …
	joinedAt             time.Duration // … since then, if it does; never = it has not been seen to
	departures           int           // how often it was taken out of the group, lately

	demotedAt time.Duration // when SLAVEOF was last sent to a stray master; never
	demoting  bool          // +convert-to-slave is told once it is a replica (E-57)

	eligible bool // it was eligible when last looked at, after a failed attempt (E-58)
}

// reconfState is how far a replica has come in following a new master.
type reconfState uint8

const (
	reconfNone reconfState = iota
	reconfSent
	reconfInProgress
	reconfDone
)

// peer is another Sentinel, as it watches one master with us.
type peer struct {
	instance
	heardAt   time.Duration // last hello; creation counts
	hello     string        // the payload of that hello, to know a repetition
	said      configuration // what that hello says of the master
	list      listing       // whom it knows, as it told while peers were being discovered
	agreedAt  time.Duration // the last hello that gave the master the address that we ask for; never
	claim     claimed       // the address it is said to have moved to
	names     budget        // for names that its hellos give the master
	awaits    *hostName     // … or the name it gives, while that is being looked up; nil = none
	asksAt    time.Duration // when it last asked us about the master; never
	disputeAt time.Duration // since when it announces another address in our config epoch; never (E-80)
	vouched   bool          // it may well be a Sentinel: it was known before, or somebody did not deny it (E-6)

	opinionDown bool          // its last answer: it sees the master down
	answeredAt  time.Duration // last answer; creation counts
	answered    bool          // it has answered since our SDOWN of the master
	leader      quorum.RunID  // its vote as last answered, "" = none
	leaderEpoch quorum.Epoch

	askedAt   time.Duration // when the last ask was sent; never
	asks      int           // asks on their way
	askStep   int           // how often an opinion was asked for in vain (E-1)
	voteReply voteReply
}

// configuration is an address and the config epoch it was announced with.
type configuration struct {
	addr  replication.Addr
	epoch quorum.Epoch
}

// voteReply is what a peer answered to the vote requests of our attempt.
type voteReply struct {
	kind          quorum.VoteReply
	asked         time.Duration // first request unanswered so far; never = none out
	sentAt        time.Duration // sending time of the request that the last answer was for
	withheldSince time.Duration // never = not held
	retryAt       time.Duration // when a held peer is asked again
	retries       int
}

func newInstance(c *Core, k kind, of *master, addr replication.Addr) instance {
	return instance{
		kind: k, of: of, addr: addr,
		sdownSince: never, helloAt: never, helloNext: never,
		infoAt: never, infoNext: never, infoAsked: never,
		roleSince: c.now.Mono, confSince: c.now.Mono,
	}
}

// describe is the form of event payloads.
//
// Rule: B-903.
func (i *instance) describe(c *Core) string {
	host := i.addr.Shown(c.announceHostnames)
	if i.kind == kindMaster {
		return fmt.Sprintf("master %s %s %d", i.name, host, i.addr.Port)
	}
	m := i.of
	return fmt.Sprintf("%s %s %s %d @ %s %s %d", i.kind, i.name, host, i.addr.Port,
		m.name, m.addr.Shown(c.announceHostnames), m.addr.Port)
}

// is reports whether two instances are one server, as far as we know: known
// under two names, it must not be made a replica of itself.
func (i *instance) is(o *instance) bool {
	return i == o || i.addr.Same(o.addr) || i.runID != "" && i.runID == o.runID
}

// lastDown is the start of the last down episode, over or not; never = none.
//
// Rule: B-523.
func (i *instance) lastDown() time.Duration {
	if i.kind == kindMaster {
		return max(i.sdownSince, i.of.odownSince)
	}
	return i.sdownSince
}

// connected reports whether the command connection is established.
func (i *instance) connected() bool { return i.link.cmd.state == connUp }

// disconnected is the flag of the status replies: a required connection is
// missing. One that is being opened counts as present.
//
// Rule: B-110.
func (i *instance) disconnected() bool { return i.link.disconnected() }

func (i *instance) act(c *Core) {
	// First: what it finds may make INFO due now.
	c.judgeDown(i)
	until := c.sendAheadUntil(i)
	c.askInfo(i, until)
	c.sendHello(i, until)
}

func (i *instance) due(c *Core) time.Duration {
	return min(c.downDue(i), c.infoDue(i), c.helloDue(i))
}
