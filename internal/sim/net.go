package sim

import "time"

// host is one machine: processes on it share its fate on the network.
type host struct {
	num  uint32
	ip   string
	down bool // silent: no power
}

func (w *World) host(ip string) *host {
	h := w.hosts[ip]
	if h == nil {
		h = &host{num: uint32(len(w.hosts)), ip: ip}
		w.hosts[ip] = h
	}
	return h
}

// process is a program on a host, with an address of its own.
type process interface {
	base() *proc
	// handle takes what came on a connection, whose end this process is.
	handle(c *conn, end int, m *msg)
	// die forgets all that lived in memory only; the connections are gone.
	die()
}

// proc is what every process has.
type proc struct {
	w       *World
	self    process
	host    *host
	addr    Addr
	name    string
	life    uint64 // counts starts, to drop events of a former life
	up      bool
	paused  bool
	resumed time.Duration // when it last went on after that
	backlog []work        // what came while paused
}

// work is something that waits for a paused process.
type work struct {
	c   *conn
	end int
	m   msg
	f   func() // when c is nil
}

func (p *proc) base() *proc { return p }

// Name is what scenarios call the process.
func (p *proc) Name() string { return p.name }

// Addr is where the process listens.
func (p *proc) Addr() Addr { return p.addr }

// Up reports whether the process runs (it may be paused).
func (p *proc) Up() bool { return p.up }

// do runs f now, or when the process goes on; never if it dies before.
func (p *proc) do(f func()) {
	if p.paused {
		p.backlog = append(p.backlog, work{f: f})
		return
	}
	f()
}

func (p *proc) hand(c *conn, end int, m *msg) {
	if p.paused {
		p.backlog = append(p.backlog, work{c: c, end: end, m: *m})
		return
	}
	p.self.handle(c, end, m)
}

// crash ends the process. Its connections are reset, unless its host is down:
// then nobody hears of it.
func (p *proc) crash() {
	if !p.up {
		return
	}
	p.up, p.paused, p.backlog = false, false, nil
	p.life++
	for _, c := range p.w.conns {
		for end := range c.ends {
			if c.ends[end].p == p.self {
				c.abandon(end, p.host.down)
			}
		}
	}
	p.self.die()
}

// Crash kills the process with SIGKILL.
func (p *proc) Crash() { p.crash() }

// Pause stops the process with SIGSTOP: its connections stay, and new ones are
// still accepted by its kernel, but it does nothing.
func (p *proc) Pause() { p.paused = p.up }

// Resume lets a paused process go on with all that came meanwhile.
func (p *proc) Resume() {
	if !p.paused {
		return
	}
	p.paused, p.resumed = false, p.w.now
	waiting := p.backlog
	p.backlog = nil
	life := p.life
	for i := range waiting {
		k := &waiting[i]
		if p.life != life {
			return
		}
		if k.c == nil {
			p.do(k.f)
			continue
		}
		p.hand(k.c, k.end, &k.m)
	}
}

// HostDown takes the power from a host: its processes die and it is silent.
func (w *World) HostDown(ip string) {
	h := w.host(ip)
	h.down = true
	for _, c := range w.conns {
		for end := range c.ends {
			if c.ends[1-end].host == h {
				c.hold(end)
			}
		}
	}
	for _, n := range w.nodes {
		if n.host == h {
			n.crash()
		}
	}
	for _, i := range w.insts {
		if i.host == h {
			i.crash()
		}
	}
}

// HostUp gives power back; the processes must be started one by one.
func (w *World) HostUp(ip string) {
	w.host(ip).down = false
	w.flush()
}

// Cut stops everything on its way from one host to another, that way only.
// TCP keeps what is sent meanwhile and delivers it after Heal.
func (w *World) Cut(from, to string) {
	w.cuts[[2]uint32{w.host(from).num, w.host(to).num}] = true
}

// Heal undoes one Cut.
func (w *World) Heal(from, to string) {
	delete(w.cuts, [2]uint32{w.host(from).num, w.host(to).num})
	w.flush()
}

// HealAll undoes every Cut.
func (w *World) HealAll() {
	clear(w.cuts)
	w.flush()
}

// Break resets the connections between two hosts; they may be opened again.
func (w *World) Break(a, b string) {
	ha, hb := w.host(a), w.host(b)
	for _, c := range w.conns {
		x, y := c.ends[0].host, c.ends[1].host
		if x == ha && y == hb || x == hb && y == ha {
			c.reset(0)
			c.reset(1)
		}
	}
}

func (w *World) blocked(from, to *host) bool {
	if from.down || to.down {
		return true
	}
	return len(w.cuts) > 0 && w.cuts[[2]uint32{from.num, to.num}]
}

// flush sends on what was held back where the way is free again.
func (w *World) flush() {
	for _, c := range w.conns {
		c.release(0)
		c.release(1)
	}
}

// latency is the time of one way between two hosts, or within one.
func (w *World) latency(from, to *host) time.Duration {
	if from == to {
		return w.opt.Latency/10 + 1
	}
	return w.opt.Latency + w.rng.Duration(w.opt.Jitter)
}

// forget drops the connections that are over from the list, now and then.
func (w *World) forget() {
	if w.dead < 64 || w.dead < len(w.conns)/2 {
		return
	}
	keep := make([]*conn, 0, 2*(len(w.conns)-w.dead)) // a new one: somebody may be walking the old
	for _, c := range w.conns {
		if !c.over {
			keep = append(keep, c)
		}
	}
	w.conns, w.dead = keep, 0
}
