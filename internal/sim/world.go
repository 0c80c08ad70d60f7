package sim

import (
	"fmt"
	"time"

	"gosentinel/internal/invariant"
	"gosentinel/internal/rng"
	"gosentinel/replication"
	"gosentinel/sentinel"
)

// Addr is where a process listens.
type Addr struct {
	IP   string
	Port int
}

// String is host:port.
func (a Addr) String() string { return replication.Join(a.IP, a.Port) }

// Options are the constants of a World. The zero Options are good: a fast
// network and disk, seed 0.
type Options struct {
	Seed     uint64
	Latency  time.Duration // one way, between any two hosts; 0 = 250 µs
	Jitter   time.Duration // added to each latency, at random below it
	Fsync    time.Duration // what a write of a Sentinel's file takes; 0 = 1 ms
	TickLate time.Duration // ticks come late by up to this
	WallBase int64         // Unix milliseconds at time 0; 0 = 2024-01-01 00:00 UTC
}

// A Record is one event told by one Sentinel.
type Record struct {
	At    time.Duration
	Node  *Node
	Event sentinel.Event
}

// World is one simulated world. Make it with New. One caller at a time.
type World struct {
	opt   Options
	now   time.Duration
	queue queue
	rng   *rng.Rand

	hosts    map[string]*host
	procs    map[Addr]process
	nodes    []*Node
	insts    []*Instance
	clients  []*Client
	groups   []string // names of masters, in order of their first instance
	conns    []*conn
	dead     int // how many of conns are over
	lastConn uint64
	cuts     map[[2]uint32]bool
	dns      map[string][]string
	lastIP   map[string]string // of a name, even if it does not resolve any more
	scripts  map[string]ScriptResult
	sameTime int  // events since time last moved
	allKnown bool // all Sentinels knew each other once

	// OnEvent, when set, hears every event that a Sentinel tells.
	OnEvent func(Record)
	// OnCommand, when set, hears every command that reaches an instance.
	OnCommand func(to *Instance, from string, cmd []string)
	// OnScript, when set, hears every start of a script.
	OnScript func(n *Node, argv []string)

	point *CrashPoint
	check checker
}

// tooMany is how many events may happen in one instant before the world is
// taken to go round in circles.
const tooMany = 1_000_000

// New makes an empty world at time 0.
func New(o Options) *World {
	if o.Latency == 0 {
		o.Latency = 250 * time.Microsecond
	}
	if o.Fsync == 0 {
		o.Fsync = time.Millisecond
	}
	if o.WallBase == 0 {
		o.WallBase = 1704067200000
	}
	w := &World{
		opt:     o,
		rng:     rng.New(o.Seed),
		hosts:   map[string]*host{},
		procs:   map[Addr]process{},
		cuts:    map[[2]uint32]bool{},
		dns:     map[string][]string{},
		lastIP:  map[string]string{},
		scripts: map[string]ScriptResult{},
	}
	w.check.init(w)
	return w
}

// Now is the virtual time since the world began.
func (w *World) Now() time.Duration { return w.now }

// Rand is the world's chance; whoever draws from it changes what follows.
func (w *World) Rand() *rng.Rand { return w.rng }

// Sentinels are all Sentinels in the order of their making.
func (w *World) Sentinels() []*Node { return w.nodes }

// Instances are all Redis instances in the order of their making.
func (w *World) Instances() []*Instance { return w.insts }

// Sentinel is the Sentinel of that name, or nil.
func (w *World) Sentinel(name string) *Node {
	for _, n := range w.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

// Instance is the instance at that address, or nil.
func (w *World) Instance(a Addr) *Instance {
	i, _ := w.procs[a].(*Instance)
	return i
}

// At calls f at time at, or now if that is past.
func (w *World) At(at time.Duration, f func()) { w.after(max(0, at-w.now), call(f), 0) }

// after puts an event d from now.
func (w *World) after(d time.Duration, to target, arg uint64) {
	w.queue.push(w.now+d, to, arg)
}

// Run lets d pass.
func (w *World) Run(d time.Duration) { w.RunUntil(d, nil) }

// RunUntil lets time pass until done returns true, asked after each event, or
// for at most limit, and reports whether done did.
func (w *World) RunUntil(limit time.Duration, done func() bool) bool {
	end := w.now + limit
	if done != nil && done() {
		return true
	}
	for len(w.queue.heap) > 0 && w.queue.heap[0].at <= end {
		w.turn()
		if done != nil && done() {
			return true
		}
	}
	w.now = max(w.now, end)
	return false
}

// turn makes the next event happen.
func (w *World) turn() {
	e := w.queue.pop()
	if e.at > w.now {
		w.now, w.sameTime = e.at, 0
	}
	w.sameTime++
	invariant.That(w.sameTime < tooMany, "S2.9", "the world goes round in circles at %v", w.now)
	e.to.fire(e.arg)
}

// SetDNS gives a name its addresses; none: it does not resolve.
func (w *World) SetDNS(name string, ips ...string) {
	w.dns[name] = ips
	if len(ips) > 0 {
		w.lastIP[name] = ips[0]
	}
}

// ip finds the address of an IP or name, "" if there is none.
func (w *World) ip(host string) string {
	if w.hosts[host] != nil {
		return host
	}
	if ips := w.dns[host]; len(ips) > 0 {
		return ips[0]
	}
	return host
}

// meant is the address that a Sentinel means by an IP or a name: one that does
// not resolve keeps its last.
func (w *World) meant(host string) string {
	if ip := w.ip(host); ip != host || w.lastIP[host] == "" {
		return ip
	}
	return w.lastIP[host]
}

// ScriptResult says what a script does when it is run.
type ScriptResult struct {
	Takes        time.Duration // 0 = 10 ms; negative = it runs until killed
	Code, Signal int
	Missing      bool // it cannot be started
}

// SetScript says what the script at path does; by default it ends well.
func (w *World) SetScript(path string, r ScriptResult) { w.scripts[path] = r }

func (w *World) tell(n *Node, e sentinel.Event) {
	w.check.event(n, e)
	if w.OnEvent != nil {
		w.OnEvent(Record{w.now, n, e})
	}
}

// hex40 makes a random run id.
func (w *World) hex40() string {
	return fmt.Sprintf("%016x%016x%08x", w.rng.Uint64(), w.rng.Uint64(), uint32(w.rng.Uint64()))
}
