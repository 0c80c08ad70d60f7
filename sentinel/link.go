package sentinel

import (
	"time"

	"gosentinel/replication"
)

type connState uint8

const (
	connClosed  connState = iota
	connOpening           // commands wait in its queue
	connUp
)

// maxPending is how many commands of one sharer may be unanswered on a link
// before periodic ones stop (behaviour.md, section 2).
const maxPending = 100

// conn is one connection to an instance.
type conn struct {
	id       LinkID // 0 = closed
	link     *link
	pubsub   bool
	state    connState
	triedAt  time.Duration // last attempt to open it; never
	heardAt  time.Duration // last message on a Pub/Sub connection
	local    string        // our own IP on it
	answered bool          // something came on it
	cutOff   uint8         // how many in a row have ended before anything came, up to manyCutOff
	sent     uint64
	pending  pendings
	ping     *Send // that of this connection, once it was needed
}

// link is the way to an instance: a command connection, for masters and
// replicas a Pub/Sub connection, and the ping clocks. Peers with one run id
// share a link. It is a node: it reconnects and pings.
//
// Rule: behaviour.md 1.3, B-121.
type link struct {
	place
	users []*instance
	cmd   conn
	pub   conn
	dual  bool // has a Pub/Sub connection

	waits        bool // a PING is unanswered …
	pendingSince time.Duration
	pendingStall time.Duration // Core.stalled then
	lastPing     time.Duration
	lastOK       time.Duration
	okStall      time.Duration // Core.stalled then
	lastReply    time.Duration
	rtt          time.Duration // smoothed; 0 = not known
	early        time.Duration // by how much the next PING comes before its period
	unwell       bool          // the last reply to PING was not PONG
	unseen       bool          // the last attempt to connect failed for what we lack
	refusedAt    time.Duration // the last connect was refused then; never = it was not
	renewedAt    time.Duration // when it was last opened anew for an order; never
	isGosentinel bool          // the peer is of our kind (E-5)
	proof        proof         // what was last answered for the peer's run id (E-6) …
	identified   bool          // … on the connection that stands
	judgedOn     LinkID        // the connection of the last answer
	accusedAt    time.Duration // when it was last told that somebody else answers there; never

	namedAt    time.Duration // the last hello of the peer that gave this address; never = none
	moves      [2]budget     // for moves that hellos tell, on channels and to us
	complaints complaints    // what is wrong with the instance

	after time.Duration // downAfter as last computed; 0 = a sharer or its option has changed
	downs int           // sharers that are SDOWN

	voteReplyGate       Seq           // an answer to the peer waits for this write, and what it asks behind that answer
	voteReplyGateOpened time.Duration // when the last such answer left; never
}

// newLink makes the link of i, which is i's alone until others join.
func (c *Core) newLink(i *instance, dual bool) *link {
	l := &link{users: []*instance{i}, dual: dual, refusedAt: never, renewedAt: never, namedAt: never, accusedAt: never, voteReplyGateOpened: never}
	l.cmd = conn{link: l, triedAt: never}
	l.pub = conn{link: l, triedAt: never, pubsub: true}
	l.restartClocks(c.now.Mono, c.stalled)
	c.linked += l.connections()
	c.touch(l)
	return l
}

// connections is how many l needs.
func (l *link) connections() int {
	if l.dual {
		return 2
	}
	return 1
}

// joinPeerLink gives p the link that its run id has under other masters, or a
// new one.
//
// Rule: B-121.
func (c *Core) joinPeerLink(p *peer) {
	l, ok := c.peerLink[p.runID]
	if !ok {
		l = c.newLink(&p.instance, false)
		c.peerLink[p.runID] = l
	} else {
		l.users = append(l.users, &p.instance)
		l.after = 0
		c.touch(l) // it may have to be pinged more often from now on
	}
	p.link = l
}

// leaveLink takes i off its link, and closes the link after the last sharer.
//
// Rule: B-122.
func (c *Core) leaveLink(i *instance) {
	l := i.link
	l.after = 0
	if i.sdown {
		l.downs--
	}
	for k, u := range l.users {
		if u == i {
			// A new list: whoever is going through the old one must not miss anybody.
			l.users = append(l.users[:k:k], l.users[k+1:]...)
			break
		}
	}
	if len(l.users) > 0 {
		return
	}
	c.discard(l)
	if i.kind == kindPeer && c.peerLink[i.runID] == l {
		delete(c.peerLink, i.runID)
	}
}

// restartClocks makes the ping clocks those of a link just created; the next
// PING is due at once.
//
// Rule: behaviour.md 3.1.
func (l *link) restartClocks(now, stalled time.Duration) {
	l.waits = true
	l.pendingSince, l.lastOK, l.lastReply = now, now, now
	l.pendingStall, l.okStall = stalled, stalled
	l.lastPing = never
}

func (l *link) disconnected() bool {
	return l.cmd.state == connClosed || l.dual && l.pub.state == connClosed
}

// pingPeriod is P of behaviour.md section 2: the smallest of the sharers.
//
// Rule: R-24, W-2.
func (l *link) pingPeriod(c *Core) time.Duration {
	after := l.downAfter()
	if l.users[0].kind == kindMaster {
		after = max(100*time.Millisecond, min(after, after/10))
	}
	return min(c.params.pingPeriod, after)
}

// downAfter is the smallest down-after of the sharers, which may be thousands.
func (l *link) downAfter() time.Duration {
	if l.after == 0 {
		l.after = farAway
		for _, i := range l.users {
			l.after = min(l.after, i.of.downAfter)
		}
	}
	return l.after
}

func (l *link) act(c *Core) {
	c.closeStale(l)
	c.reopen(l, &l.cmd)
	if l.dual {
		c.reopen(l, &l.pub)
	}
	if l.pingDue(c) <= c.now.Mono {
		c.ping(l)
		c.sendAhead(l)
	}
}

func (l *link) due(c *Core) time.Duration {
	next := l.pingDue(c)
	if l.users[0].addr.Port != 0 {
		if l.cmd.state == connClosed {
			next = min(next, l.cmd.triedAt+c.params.pingPeriod)
		}
		if l.dual && l.pub.state == connClosed {
			next = min(next, l.pub.triedAt+c.params.pingPeriod)
		}
	}
	return min(next, l.staleDue(c))
}

// pingDue is when the next PING is due.
//
// Rule: B-301.
func (l *link) pingDue(c *Core) time.Duration {
	if l.cmd.state == connClosed {
		return farAway
	}
	if l.lastPing == never {
		return c.now.Mono
	}
	p := l.pingPeriod(c)
	// A full link is like one that waits: no PING goes out on it, so lastReply alone would have it
	// due again and again.
	if !l.waits && !l.full() {
		return c.turn(l, l.lastReply+p-min(l.early, p), p)
	}
	return max(l.lastReply+p, l.lastPing+p/2)
}

// full reports whether nothing more is asked on l before something is answered.
func (l *link) full() bool { return l.cmd.pending.len() >= maxPending*len(l.users) }

// ping sends one PING.
//
// Rule: B-302.
func (c *Core) ping(l *link) {
	// Nothing is added to what a silent instance owes; the time counts as a try, so
	// that this is not looked at again and again.
	if l.full() {
		l.lastPing = c.now.Mono
		return
	}
	// The PING of a new connection is not one of its rhythm, and does not use up the early turn.
	if l.lastPing != never {
		l.early = 0
	}
	l.lastPing = c.now.Mono
	// Silence counts from the first PING that is unanswered, not from the last (W-2).
	if !l.waits {
		l.waits, l.pendingSince, l.pendingStall = true, c.now.Mono, c.stalled
	}
	l.cmd.pending.push(pending{tag: makeTag(l.cmd.id, pingNumber), is: sendPing, inst: l.users[0], at: c.now.Mono})
	c.emitNow(l.pingSend())
}

// reopen opens a missing connection when its last attempt is old enough. Port
// 0 means "do not connect"; a name without an IP waits for its lookup.
//
// Rule: B-111, B-119, C-59, R-10, W-25.
func (c *Core) reopen(l *link, cn *conn) {
	if cn.state != connClosed || c.now.Mono < cn.triedAt+c.params.pingPeriod {
		return
	}
	if l.users[0].addr.Port == 0 {
		return
	}
	// A name may lead elsewhere by now: what is known of it holds for this attempt, what
	// is looked up behind it for the next.
	c.refreshName(l)
	cn.triedAt = c.now.Mono
	// What could not be tried for want of descriptors can be now.
	if !cn.pubsub {
		c.lookAgain(l)
	}
	addr := l.users[0].addr
	// Behind triedAt, so that a name that does not resolve is asked for each ping period and not in
	// each step.
	if addr.IP == "" {
		return
	}
	c.lastLink++
	cn.id, cn.state, cn.sent, cn.answered = c.lastLink, connOpening, 0, false
	cn.heardAt = c.now.Mono
	cn.local = ""
	c.conns[cn.id] = cn
	// An attempt that outlives down-after would hide that the host is back.
	timeout := min(max(l.downAfter(), 500*time.Millisecond), 5*time.Second) // W-26, R-24
	c.emitNow(Dial{Link: cn.id, Addr: addr, Timeout: timeout, PubSub: cn.pubsub})
	// Not first when it is up: the commands wait in its queue, which saves a round trip (B-110).
	c.greet(l, cn)
	for _, i := range l.users {
		i.infoNow = i.infoNow || i.kind != kindPeer && !cn.pubsub // who is it now? (R-14, redis #2087)
		c.touch(i)
	}
}

// greet sends the commands that open a connection.
//
// Rule: B-113, B-124 (peers have no renames: W-31).
func (c *Core) greet(l *link, cn *conn) {
	if auth := c.credentials(l.users[0]); auth != nil {
		send := c.enlist(cn, pending{is: sendAuth}, [][]string{append([]string{l.word("AUTH")}, auth...)})
		send.Secret = true
		c.emitNow(send)
	} else {
		// A complaint about a password that is no longer configured would stand for ever.
		c.appease(l, topicCommand, "AUTH", "is sent no AUTH any more")
	}
	suffix := "-cmd"
	if cn.pubsub {
		suffix = "-pubsub"
	}
	c.sendNow(cn, pending{is: sendName}, []string{l.word("CLIENT"), "SETNAME", "sentinel-" + c.myID[:8] + suffix})
	if cn.pubsub {
		// Its confirmation comes as a Hello, not as an Answer: counted among the
		// pending commands it would stand there for ever (K-2.1).
		c.emitNow(&Send{Link: cn.id, Cmds: [][]string{{l.word("SUBSCRIBE"), helloChannel}}})
		return
	}
	l.lastPing = never
	c.ping(l)
}

// word is how the instance behind l knows a command.
func (l *link) word(command string) string {
	if i := l.users[0]; i.kind != kindPeer {
		return i.of.rename(command)
	}
	return command
}

// credentials are the arguments of AUTH for i, nil for none.
//
// Rule: C-62, B-113.
func (c *Core) credentials(i *instance) []string {
	if i.kind != kindPeer {
		m := i.of
		switch {
		case m.authPass == nil:
			return nil
		case m.authUser != nil:
			return []string{*m.authUser, m.authPass.Reveal()}
		}
		return []string{m.authPass.Reveal()}
	}
	switch pass := c.peerPass.Reveal(); {
	case pass != "" && c.peerUser != "":
		return []string{c.peerUser, pass}
	case pass != "":
		return []string{pass}
	case c.general.RequirePass.Reveal() != "":
		return []string{c.general.RequirePass.Reveal()}
	}
	return nil
}

// linkUp marks a connection as established.
func (c *Core) linkUp(in LinkUp) {
	cn := c.conns[in.Link]
	if cn == nil || cn.state != connOpening {
		return
	}
	l := cn.link
	cn.state, cn.local = connUp, in.Local
	c.noteOwnIP(in.Local)
	if cn.pubsub {
		// B-117 counts from here, or a slow connect would be held against it.
		cn.heardAt = c.now.Mono
		c.touch(l)
		return
	}
	l.refusedAt = never
	c.staggerTurns(l)
	c.touch(l) // from now on it can be stale, and its turn is another
	if l.users[0].kind == kindPeer {
		// First of all: answers come in order, so all that follows is known to be the peer's or not
		// (E-6).
		c.askIdentity(l)
		c.sendNow(cn, pending{is: sendKindQuestion, inst: l.users[0]}, []string{"INFO", "server"})
	}
	for _, i := range l.users {
		i.helloNow = true // E-3
		if i.kind == kindPeer {
			// What it was asked before was lost with the connection.
			i.peer.askStep, i.peer.askedAt = 0, never
		}
		c.touch(i)
		// It is the master that asks its peers.
		c.touch(&i.of.node)
	}
}

// linkDown marks a connection as gone: its unanswered commands are dropped, a
// pending PING stays pending.
//
// Rule: B-110, B-118.
func (c *Core) linkDown(in LinkDown) {
	cn := c.conns[in.Link]
	if cn == nil {
		c.guideDown(in.Link)
		return
	}
	l := cn.link
	// Before it is forgotten, and with it whether it had been up and had answered.
	c.hearEnd(cn, in.Reason)
	c.forget(cn)
	if !cn.pubsub && in.Refused {
		l.refusedAt = c.now.Mono
	}
	// Our own lack of descriptors or memory is no sign that the instance is down.
	if in.Ours {
		c.cannotLook(l, cn, in.Reason)
	}
	if cn.triedAt == c.now.Mono && in.Reason != "" {
		c.linkTrouble(l, cn, in.Reason)
	}
	c.touch(l)
	for _, i := range l.users {
		c.touch(i)
		// Ranks, locks and the count of votes depend on who is connected (E-11, E-12, E-33).
		c.touch(&i.of.node)
	}
}

// linkTrouble logs a connection that could not even be tried.
//
// Rule: behaviour.md 9.2, -cmd-link-reconnection.
func (c *Core) linkTrouble(l *link, cn *conn, reason string) {
	name := "-cmd-link-reconnection"
	if cn.pubsub {
		name = "-pubsub-link-reconnection"
	}
	c.emit(Emit{Event{Name: name, Payload: l.users[0].describe(c) + " #" + reason, Level: LevelDebug, LogOnly: true}})
}

// closeLink closes both connections; they are opened anew when B-111 allows.
func (c *Core) closeLink(l *link) {
	c.closeConn(&l.cmd)
	c.closeConn(&l.pub)
}

func (c *Core) closeConn(cn *conn) {
	if cn.state == connClosed {
		return
	}
	// A hangup usually waits for the write, behind what was sent before it.
	if c.disk.sick {
		c.emitNow(Hangup{Link: cn.id}) // else each renewed link would keep its old socket until the write returns
	} else {
		c.emit(Hangup{Link: cn.id})
	}
	c.forget(cn)
	c.touch(cn.link)
}

// forget drops the state of a connection that is gone.
func (c *Core) forget(cn *conn) {
	delete(c.conns, cn.id)
	for _, p := range cn.pending.all() {
		// It has another link by now, and begins anew there.
		if p.inst == nil || p.inst.link != cn.link {
			continue
		}
		switch p.is {
		case sendInfo:
			p.inst.infoBusy, p.inst.infoAsked = false, never
		case sendHello:
			// Whether it was heard is not known, and a second one harms nobody.
			p.inst.helloBusy, p.inst.helloNow = false, true
		case sendAsk:
			p.inst.peer.asks--
			// A voter's silence counts from the request that the next connection carries (E-33).
			p.inst.peer.voteReply.asked = never
		}
	}
	cn.pending.clear()
	cn.id, cn.state, cn.local, cn.ping = 0, connClosed, "", nil
}

// closeStale closes connections on which nothing moves any more.
//
// Rule: B-116, B-117.
func (c *Core) closeStale(l *link) {
	if c.now.Mono < l.staleDue(c) {
		return
	}
	// Each for itself: a lost hello channel must not cost the PINGs (W-25).
	if l.cmdStaleDue(c) <= c.now.Mono {
		c.closeConn(&l.cmd)
	}
	if l.pubStaleDue(c) <= c.now.Mono {
		c.closeConn(&l.pub)
	}
}

func (l *link) staleDue(c *Core) time.Duration { return min(l.cmdStaleDue(c), l.pubStaleDue(c)) }

func (l *link) cmdStaleDue(c *Core) time.Duration {
	if l.cmd.state != connUp || !l.waits {
		return farAway
	}
	// Half, so that a second connection can be tried before it is found down.
	half := l.downAfter() / 2
	return max(l.cmd.triedAt+c.params.minLinkReconnectPeriod, l.pendingSince+half, l.lastReply+half) + 1
}

func (l *link) pubStaleDue(c *Core) time.Duration {
	if !l.dual || l.pub.state != connUp {
		return farAway
	}
	return max(l.pub.triedAt+c.params.minLinkReconnectPeriod, l.pub.heardAt+3*c.params.publishPeriod) + 1
}

// endpointText is an address as scripts and events show it.
type endpointText struct{ host, port string }

func (c *Core) text(a replication.Addr) endpointText {
	return endpointText{a.Shown(c.announceHostnames), itoa(a.Port)}
}
