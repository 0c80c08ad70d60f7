package sim

import (
	"time"

	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

type msgKind uint8

const (
	msgUp       msgKind = iota // to the dialler: connected
	msgDown                    // to either: the connection is gone; text says why
	msgRefused                 // to the dialler: nobody listens
	msgRequest                 // commands
	msgReply                   // the answer to the request of the same tag
	msgPush                    // a message of a subscription, or its confirmation
	msgStream                  // replication: what a master sends its replicas
	msgAccepted                // to the acceptor: a new connection
)

// msg is one thing that travels on a connection. TCP would carry bytes; what
// matters here is only that it keeps their order.
type msg struct {
	kind  msgKind
	tag   sentinel.Tag
	cmds  [][]string
	value resp.Value
	text  string
	num   int64
}

// conn is one TCP connection. End 0 dialled, end 1 accepted.
type conn struct {
	w     *World
	id    uint64
	to    Addr
	open  bool // established
	over  bool // no end is open
	tries int
	ends  [2]endpoint
	flows [2]flow // flows[e] carries what end e sends
}

type endpoint struct {
	p    process
	host *host
	open bool // this end has neither closed nor heard that the other has
	user any  // what the process keeps for this connection
}

// flow is one direction. Of the queue the last held messages have no event
// that delivers them yet.
type flow struct {
	queue []msg
	head  int
	held  int
	since time.Duration // when the first of the held was sent
	last  time.Duration // when the last event is due
}

// Events of a connection, in the low bits of arg.
const (
	opDeliver = iota // deliver the next message of end 0
	opDeliverBack
	opSyn
	opRefuse
	opEstablish
	opGiveUp
)

// maxSyn is how often a connect is sent again, after 1, 2, 4... seconds.
const maxSyn = 6

// dial opens a connection from p to a; what becomes of it comes as msgUp,
// msgRefused or msgDown.
func (w *World) dial(p process, to Addr, timeout time.Duration) *conn {
	w.forget()
	w.lastConn++
	c := &conn{w: w, id: w.lastConn, to: to}
	c.ends[0] = endpoint{p: p, host: p.base().host, open: true}
	c.ends[1] = endpoint{host: w.host(to.IP)}
	w.conns = append(w.conns, c)
	w.after(w.latency(c.ends[0].host, c.ends[1].host), c, opSyn)
	if timeout > 0 {
		w.after(timeout, c, opGiveUp)
	}
	return c
}

func (c *conn) fire(op uint64) {
	switch op {
	case opDeliver:
		c.deliver(0)
	case opDeliverBack:
		c.deliver(1)
	case opSyn:
		c.syn()
	case opRefuse:
		if c.ends[0].open && !c.open {
			c.gone(0, &msg{kind: msgRefused, text: "connection refused"})
		}
	case opEstablish:
		c.establish()
	case opGiveUp:
		if c.ends[0].open && !c.open {
			c.gone(0, &msg{kind: msgDown, text: "connection timed out"})
		}
	}
}

// syn is the arrival of a connect at the other host.
func (c *conn) syn() {
	if !c.ends[0].open || c.open {
		return
	}
	w, from, to := c.w, c.ends[0].host, c.ends[1].host
	if w.blocked(from, to) || w.blocked(to, from) {
		if c.tries < maxSyn {
			w.after(time.Second<<c.tries, c, opSyn)
		}
		c.tries++
		return
	}
	back := w.latency(to, from)
	p := w.procs[c.to]
	if p == nil || !p.base().up {
		w.after(back, c, opRefuse)
		return
	}
	c.ends[1].p = p
	c.ends[1].open = true
	p.base().hand(c, 1, &msg{kind: msgAccepted})
	w.after(back, c, opEstablish)
}

func (c *conn) establish() {
	if !c.ends[0].open {
		c.reset(1)
	}
	if !c.ends[0].open || c.open {
		return
	}
	c.open = true
	c.ends[0].p.base().hand(c, 0, &msg{kind: msgUp})
	for end := range c.flows {
		for f := &c.flows[end]; f.held > 0 && !c.w.blocked(c.ends[end].host, c.ends[1-end].host); f.held-- {
			c.schedule(end, 0)
		}
	}
}

// send puts m on its way from one end to the other.
func (c *conn) send(end int, m msg) {
	if c.ends[end].open {
		c.put(end, m)
	}
}

func (c *conn) put(end int, m msg) {
	f := &c.flows[end]
	if f.head > 0 && f.head == len(f.queue) {
		f.queue, f.head = f.queue[:0], 0
	}
	f.queue = append(f.queue, m)
	w := c.w
	if !c.open || f.held > 0 || w.blocked(c.ends[end].host, c.ends[1-end].host) {
		if f.held == 0 {
			f.since = w.now
		}
		f.held++
		return
	}
	c.schedule(end, 0)
}

func (c *conn) schedule(end int, late time.Duration) {
	w, f := c.w, &c.flows[end]
	at := w.now + late + w.latency(c.ends[end].host, c.ends[1-end].host)
	f.last = max(f.last, at)
	w.queue.push(f.last, c, uint64(end))
}

// maxResend bounds how long after an outage TCP tries again.
const maxResend = 10 * time.Second

// release sends what was held, if the way is free. After an outage it leaves
// with the next retransmission, whose gap grows with the length of the outage.
func (c *conn) release(end int) {
	f := &c.flows[end]
	if f.held == 0 || !c.open || c.w.blocked(c.ends[end].host, c.ends[1-end].host) {
		return
	}
	late := c.w.rng.Duration(min(c.w.now-f.since, maxResend))
	for ; f.held > 0; f.held-- {
		c.schedule(end, late)
	}
}

func (c *conn) deliver(end int) {
	f := &c.flows[end]
	if f.head >= len(f.queue)-f.held {
		return
	}
	m := f.queue[f.head]
	f.queue[f.head] = msg{}
	f.head++
	to := &c.ends[1-end]
	switch {
	case !to.open:
		if m.kind != msgDown {
			c.reset(end)
		}
	case m.kind == msgDown:
		c.gone(1-end, &m)
	default:
		to.p.base().hand(c, 1-end, &m)
	}
}

// hangup closes one end; what it sent before still arrives, nothing is heard.
func (c *conn) hangup(end int) {
	if !c.ends[end].open {
		return
	}
	c.ends[end].open = false
	if c.ends[1-end].open {
		c.put(end, msg{kind: msgDown, text: "closed by the other side"})
	}
	c.settle()
}

// hold takes back what is on its way from one end: its host lost power.
func (c *conn) hold(end int) {
	f := &c.flows[end]
	if all := len(f.queue) - f.head; all > f.held {
		f.held, f.since = all, c.w.now
	}
}

// abandon is what becomes of an end whose process died, or, silently, whose
// host did.
func (c *conn) abandon(end int, silent bool) {
	if !silent {
		c.hangup(end)
		return
	}
	c.ends[end].open = false
	f := &c.flows[end]
	f.queue, f.held = f.queue[:len(f.queue)-f.held], 0
	c.settle()
}

// reset tells one end at once that the connection is broken.
func (c *conn) reset(end int) {
	if c.ends[end].open && (c.open || end == 1) {
		c.gone(end, &msg{kind: msgDown, text: "connection reset"})
	}
}

func (c *conn) gone(end int, m *msg) {
	c.ends[end].open = false
	c.settle()
	c.ends[end].p.base().hand(c, end, m)
}

func (c *conn) settle() {
	if !c.over && !c.ends[0].open && !c.ends[1].open {
		c.over = true
		c.w.dead++
	}
}
