package sim

import (
	"slices"
	"time"

	"gosentinel/internal/rng"
)

// Client writes to one master: to the address that a Sentinel told it, which it
// asks for again when a write fails or when it hears of a switch. Make it with
// AddClient.
type Client struct {
	w     *World
	rng   *rng.Rand
	group string
	host  *host
	every time.Duration
	of    *Node // the Sentinel it listens to
	to    Addr  // the zero Addr: it has to ask
	acked []ack
	tried int
}

// ack is a write that an instance has acknowledged.
type ack struct {
	id   uint64
	at   time.Duration
	from *Instance
}

// AddClient makes a client on a host of its own that writes each so often.
func (w *World) AddClient(group, ip string, every time.Duration, seed uint64) *Client {
	c := &Client{w: w, rng: rng.New(seed), group: group, host: w.host(ip), every: every}
	w.clients = append(w.clients, c)
	w.after(every, c, 0)
	return c
}

// fire is the next write.
func (c *Client) fire(uint64) {
	c.w.after(c.every/2+c.rng.Duration(c.every), c, 0)
	if c.to == (Addr{}) || c.of == nil || !c.of.up {
		c.ask()
	}
	if c.to == (Addr{}) {
		return
	}
	c.tried++
	i := c.w.Instance(c.to)
	id := c.rng.Uint64()
	if i == nil || c.w.blocked(c.host, i.host) || c.w.blocked(i.host, c.host) || !i.Write(id) {
		c.to = Addr{}
		return
	}
	c.acked = append(c.acked, ack{id, c.w.now, i})
}

// ask asks some Sentinel in reach for the master, as GET-MASTER-ADDR-BY-NAME.
func (c *Client) ask() {
	w := c.w
	n := w.nodes[c.rng.IntN(len(w.nodes))]
	if n.core == nil || n.paused || w.blocked(c.host, n.host) || w.blocked(n.host, c.host) {
		return
	}
	if at, ok := n.View(c.group); ok {
		c.of, c.to = n, Addr{w.meant(at.IP), at.Port}
	}
}

// switched is what the Sentinel it listens to tells of a new master.
func (c *Client) switched(n *Node, group string) {
	if n == c.of && group == c.group && !c.w.blocked(n.host, c.host) {
		c.to = Addr{}
	}
}

// ClientWrites counts the writes that clients tried, those that were acknowledged,
// and of them those that the masters that n shows do not hold now: what
// asynchronous replication has lost.
func (w *World) ClientWrites(n *Node) (tried, acked, lost int) {
	for _, c := range w.clients {
		at, _ := n.View(c.group)
		held := map[uint64]bool{}
		if m := w.Instance(Addr{w.meant(at.IP), at.Port}); m != nil {
			for _, id := range m.writes {
				held[id] = true
			}
		}
		for _, a := range c.acked {
			if !held[a.id] {
				lost++
			}
		}
		tried, acked = tried+c.tried, acked+len(c.acked)
	}
	return tried, acked, lost
}

// keepWrites lets clients go on writing for d in a world in order, and fails
// for a write acknowledged in that time which its master does not hold. A
// failover that had begun before, and goes on all the same, may lose some.
//
// Rule: I-11, B-703, B-740.
func (w *World) keepWrites(d time.Duration) {
	since := w.now
	w.check.inOrder = since
	w.Run(d)
	for _, c := range w.clients {
		if w.check.begun[c.group] {
			continue
		}
		at, _ := w.nodes[0].View(c.group)
		m := w.Instance(Addr{w.meant(at.IP), at.Port})
		for _, a := range c.acked {
			if a.at >= since && (m == nil || !slices.Contains(m.writes, a.id)) {
				w.check.fail(at.String(), "I-11", "lost a write that %s acknowledged when all was in order", a.from.name)
			}
		}
	}
}
