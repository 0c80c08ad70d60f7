package sentinel

import (
	"strings"
	"time"

	"gosentinel/internal/invariant"
	"gosentinel/internal/resp"
	"gosentinel/replication"
)

// An instance is told its role by a transaction. Where that is refused, for
// whatever command in it (no permission, a name that is not known there, no
// memory to queue it), the SLAVEOF is sent alone, and what only rounds it off
// behind that, each for itself: an instance that cannot write its
// configuration is better promoted than left a replica of a dead master. What
// has become of it is told by INFO, never by a reply.
//
// Rule: B-713, E-52.

// order is the change of role that an instance was told.
type order struct {
	to    replication.Addr // whom to follow; the zero Addr: nobody
	alone bool             // not in a transaction
}

func (o *order) promotes() bool { return o.to.Host == "" }

// commands are the transaction.
func (c *Core) commands(m *master, o *order) [][]string {
	if o.promotes() {
		return replication.Promote(m.rename)
	}
	return replication.Follow(m.rename, o.to.Shown(c.announceHostnames), o.to.Port)
}

// sendOrder sends the transaction. A promotion waits for no write, all else
// for the configuration that it reveals.
//
// Rule: B-713, E-40.
func (c *Core) sendOrder(i *instance, to replication.Addr) {
	invariant.That(!i.isNode(), "E-83", "%s is a node of a cluster", i.name)
	o := &order{to: to}
	p := pending{is: sendOrder, inst: i, order: o}
	if o.promotes() {
		// Our vote is on disk since the election (S-3), and a promotion reveals nothing else.
		c.sendNow(&i.link.cmd, p, c.commands(i.of, o)...)
		return
	}
	c.sendGated(&i.link.cmd, p, c.commands(i.of, o)...)
}

// sendAlone sends what a refused transaction held, command by command. Nothing
// is revealed that the transaction has not revealed.
func (c *Core) sendAlone(i *instance, to replication.Addr) {
	o := &order{to: to, alone: true}
	for k, cmd := range replication.Alone(c.commands(i.of, o)) {
		p := pending{is: sendRest, inst: i}
		if k == 0 {
			// Only an error to the SLAVEOF decides anything; the rest may fail, and is logged (E-52).
			p.is, p.order = sendOrder, o
		}
		c.sendNow(&i.link.cmd, p, cmd)
	}
	// Nothing but INFO tells what has come of it, so it follows at once.
	i.infoBusy = false
	c.askAnew(i)
}

// orderReply takes the reply to a transaction, or to the SLAVEOF behind a
// refused one.
//
// Rule: E-52.
func (c *Core) orderReply(i *instance, p *pending, v resp.Value) {
	if p.order.alone {
		c.aloneReply(i, p, v)
		return
	}
	refused := refusal(v)
	if refused == "" {
		// EXEC worked, but single commands in it may have failed.
		for _, e := range v.Elems {
			c.restReply(i, e)
		}
		return
	}
	c.note(i, "the transaction was refused", refused)
	if !strings.HasPrefix(refused, "EXECABORT") {
		// An EXEC that is not known there ends no transaction.
		c.sendNow(&i.link.cmd, pending{}, []string{i.of.rename("DISCARD")})
	}
	c.repeatAlone(i, p.order.to)
}

// refusal is the error of a transaction, or of the SLAVEOF in it; "" if there
// is none.
func refusal(v resp.Value) string {
	// Of what EXEC answers the SLAVEOF is the first: only that says whether the order was taken.
	if v.Kind == resp.Array && len(v.Elems) > 0 {
		v = v.Elems[0]
	}
	if v.Kind == resp.Error {
		return v.Str
	}
	return ""
}

// repeatAlone sends an order again, alone, if it still holds.
//
// Rule: E-52, E-44.
func (c *Core) repeatAlone(i *instance, to replication.Addr) {
	m := i.of
	switch {
	case to.Host == "":
		// Not sent from here: SLAVEOF NO ONE once more is a promotion, and asks whether we still
		// lead (E-34).
		if r := i.replica; r != nil && r.promoted && m.failover.state == stateWaitPromotion {
			m.failover.again = true
			c.touch(&m.node)
		}
	case i.isNode(): // it has just become one
	case i.replica != nil && c.choosable(m, i.replica): // whom we have voted for since may just be promoting it
	case to.Same(m.current()) && !i.addr.Same(to) && i.link.cmd.state != connClosed:
		c.sendAlone(i, to)
	}
}

// choosable reports whether r, which was a master when it was told otherwise, may be
// the choice of another by now: we have given a vote whose outcome we do not know.
//
// Rule: E-44.
func (c *Core) choosable(m *master, r *replica) bool {
	return m.ballot.Unfinished(m.configEpoch) && m.ballot.Vote != c.self() && r.role == replication.Master && c.now.Mono < c.convertTime(m, r)
}

// promoteAlone repeats a refused promotion outside of a transaction: an
// irreversible act like the first, so we must lead still.
//
// Rule: E-34, E-52.
func (c *Core) promoteAlone(m *master) {
	f := &m.failover
	r := f.promoted
	if !r.connected() {
		return // nobody asks any more; watchPromotion goes on
	}
	if !c.proceed(m) {
		r.unconfirmedPromotion = r.unconfirmedPromotion || m.failover.state == stateNone // nobody knows what has come of the first
		return
	}
	// Polls begin anew: they get rarer with time, and the next answer is due in milliseconds (E-52).
	f.again, f.polls = false, 0
	c.sendAlone(&r.instance, replication.Addr{})
}

// aloneReply takes the reply to a SLAVEOF outside of a transaction.
func (c *Core) aloneReply(i *instance, p *pending, v resp.Value) {
	m := i.of
	switch {
	case v.Kind == resp.Simple && v.Str == "QUEUED":
		// It is in a transaction that it lets nobody end: only a new
		// connection leads out.
		c.renewCommands(i.link)
		c.repeatAlone(i, p.order.to)
	case v.Kind == resp.Error:
		c.note(i, "SLAVEOF was refused", v.Str)
		if f := &m.failover; p.order.promotes() && i.replica != nil && i.replica.promoted && f.state == stateWaitPromotion {
			// No verdict yet: an INFO asked for behind it may say role:master all the same (E-52).
			f.refused, f.refusedAt = c.words(i.link, v.Str), p.at
		}
	}
}

// renewCommands opens the command connection of l anew: at once, however young it
// is, so that the order is the first thing that is said on the new one; but once
// in a ping period only, and else when B-111 allows, since somebody may queue
// whatever he is told.
func (c *Core) renewCommands(l *link) {
	c.closeConn(&l.cmd)
	if c.now.Mono-l.renewedAt >= c.params.pingPeriod {
		l.renewedAt = c.now.Mono
		l.cmd.triedAt = min(l.cmd.triedAt, c.now.Mono-c.params.pingPeriod)
	}
	c.reopen(l, &l.cmd)
}

// restReply takes the reply to a command that only rounds an order off.
func (c *Core) restReply(i *instance, v resp.Value) {
	if v.Kind == resp.Error {
		c.note(i, "it answered", v.Str)
	}
}

// noteAgain is how soon an instance's refusal is logged again that was the last
// one logged.
const noteAgain = time.Minute

// note logs what an instance answered to an order.
func (c *Core) note(i *instance, what, text string) {
	line := what + ": " + c.words(i.link, text)
	if i.noted == line && c.now.Mono-i.notedAt < noteAgain {
		return
	}
	i.noted, i.notedAt = line, c.now.Mono
	c.logLine(LevelNotice, i.describe(c)+" "+line)
}
