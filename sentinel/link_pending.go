package sentinel

import (
	"time"

	"gosentinel/internal/resp"
	"gosentinel/quorum"
)

// pending is a Send that has no answer yet.
type pending struct {
	tag     Tag
	inst    *instance // who asked; its link may have changed since
	at      time.Duration
	epoch   quorum.Epoch // of the vote asked for
	is      sendKind
	vote    bool   // an ask that requests a vote
	foreign bool   // an ask for the address that the peer knows, not ours (E-4)
	turn    uint32 // of an ask: how many addresses the master had had before (S-4)
	order   *order // what was told, of an order
}

type sendKind uint8

const (
	sendPlain sendKind = iota // nobody looks at the answer
	sendPing
	sendInfo
	sendHello
	sendAsk
	sendKindQuestion // INFO server to a peer (E-5)
	sendListQuestion // SENTINEL SENTINELS to a peer (E-18)
	sendIdentity     // SENTINEL MYID to a peer (E-6)
	sendOrder        // a change of role (E-52)
	sendRest         // what rounds off one that is not in a transaction
	sendAuth
	sendName // CLIENT SETNAME
)

// pendings are the Sends of a connection that have no answer yet, the oldest
// first. Answers come in the order of the commands, but for those that waited
// for a write, so that the one looked for is among the first: a connection that
// thousands of masters share has as many pending. The zero value is empty.
type pendings struct {
	list []pending
	head int // those before it are answered
}

func (q *pendings) len() int { return len(q.list) - q.head }

func (q *pendings) all() []pending { return q.list[q.head:] }

func (q *pendings) clear() {
	clear(q.list)
	q.list, q.head = q.list[:0], 0
}

func (q *pendings) push(p pending) {
	if len(q.list) == cap(q.list) && q.head > len(q.list)/2 {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, p)
}

// take takes out the first with this tag.
func (q *pendings) take(tag Tag) (p pending, ok bool) {
	for k := q.head; k < len(q.list); k++ {
		if q.list[k].tag != tag {
			continue
		}
		p = q.list[k]
		// The few before it move up, not the many behind it down.
		copy(q.list[q.head+1:k+1], q.list[q.head:k])
		q.list[q.head] = pending{}
		if q.head++; q.head == len(q.list) {
			q.list, q.head = q.list[:0], 0
		}
		return p, true
	}
	return p, false
}

// sendNow sends one command on cn at once, whatever is not on disk yet.
func (c *Core) sendNow(cn *conn, p pending, cmds ...[]string) {
	c.emitNow(c.enlist(cn, p, cmds))
}

// sendGated sends when all that is dirty so far is on disk.
func (c *Core) sendGated(cn *conn, p pending, cmds ...[]string) {
	c.emit(c.enlist(cn, p, cmds))
}

func (c *Core) enlist(cn *conn, p pending, cmds [][]string) *Send {
	cn.sent++
	// That number is the PINGs'.
	if cn.sent&tagMask == pingNumber {
		cn.sent++
	}
	p.tag, p.at = makeTag(cn.id, cn.sent), c.now.Mono
	cn.pending.push(p)
	return &Send{Link: cn.id, Tag: p.tag, Cmds: cmds}
}

// pingSend is the PING of l's connection, the same each time.
func (l *link) pingSend() *Send {
	cn, word := &l.cmd, l.word("PING")
	if cn.ping == nil || cn.ping.Cmds[0][0] != word {
		cn.ping = &Send{Link: cn.id, Tag: makeTag(cn.id, pingNumber), Cmds: [][]string{{word}}}
	}
	return cn.ping
}

// A Tag holds the LinkID it was sent on, so that an answer finds its
// connection: 2^20 sends are told apart, far more than may be unanswered. The
// PINGs of a connection share one.
const (
	tagBits    = 20
	tagMask    = 1<<tagBits - 1
	pingNumber = 0
)

func makeTag(id LinkID, n uint64) Tag { return Tag(uint64(id)<<tagBits | n&tagMask) }

// Link is the connection on which was sent what t names.
func (t Tag) Link() LinkID { return LinkID(t >> tagBits) }

// answer takes a reply to whoever asked.
func (c *Core) answer(in *Answer) {
	cn := c.conns[in.Tag.Link()]
	if cn == nil {
		c.guideAnswer(in)
		return
	}
	// Looked at before the answer makes room.
	full := cn.link.full()
	p, ok := cn.pending.take(in.Tag)
	if !ok {
		return
	}
	if full {
		c.touch(cn.link)
		for _, i := range cn.link.users {
			c.touch(&i.of.node) // what could not be asked can be now
		}
	}
	c.hearWords(cn, p.is, &in.Value)
	if p.inst == nil || p.inst.gone || p.inst.link != cn.link {
		c.inherit(cn.link, p, in.Value)
		return
	}
	c.dispatch(cn.link, p, in.Value)
}

// inherit takes a reply to who is behind l now. A replica that a switch made
// anew has no other INFO yet, and its own question may be answered late; what
// an old master was told as a master, it answers as a replica. What a peer says
// of itself concerns all masters that share its link.
//
// Rule: B-731, E-50, E-52, E-57.
func (c *Core) inherit(l *link, p pending, v resp.Value) {
	switch i := l.users[0]; {
	case p.is == sendPing:
		c.pong(l, v)
	case p.is == sendKindQuestion:
		c.kindReply(l, v)
	case p.is == sendIdentity:
		c.identityReply(l, v)
	case p.is == sendInfo && i.kind == kindReplica:
		busy := i.infoBusy
		c.infoReply(i, v, p.at)
		// The question of the new object is still out: this was the answer to an older one.
		i.infoBusy = busy
	case p.is == sendOrder:
		c.orderReply(i, &p, v)
	case p.is == sendRest:
		c.restReply(i, v)
	}
}

func (c *Core) dispatch(l *link, p pending, v resp.Value) {
	switch p.is {
	case sendPing:
		c.pong(l, v)
	case sendInfo:
		c.infoReply(p.inst, v, p.at)
	case sendHello:
		c.helloAcknowledged(p.inst, v)
	case sendAsk:
		c.askReply(p.inst.peer, v, p)
	case sendKindQuestion:
		c.kindReply(l, v)
	case sendListQuestion:
		c.listReply(p.inst.peer, v)
	case sendIdentity:
		c.identityReply(l, v)
	case sendOrder:
		c.orderReply(p.inst, &p, v)
	case sendRest:
		c.restReply(p.inst, v)
	}
}
