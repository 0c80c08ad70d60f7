package sim

import (
	"io"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// Core is what runs inside a Node: the real one, or a model of an original.
type Core interface {
	Start() []sentinel.Effect
	Step(now sentinel.Stamp, in sentinel.Input) []sentinel.Effect
	NextDeadline() time.Duration
	Durable() (conf.State, sentinel.Seq)
	Dump(w io.Writer) error
}

// MakeCore makes the Core of a Node at each of its starts.
type MakeCore func(now sentinel.Stamp, boot conf.State, seed uint64) (Core, error)

func realCore(now sentinel.Stamp, boot conf.State, seed uint64) (Core, error) {
	return sentinel.New(now, boot, seed)
}

// SentinelOptions say what a Sentinel is. Name and Addr must be given.
type SentinelOptions struct {
	Name     string
	Addr     Addr
	Boot     conf.State // its sentinel.conf before the first start
	Make     MakeCore   // nil = the real core
	Original bool       // it does not say in INFO that it is ours
}

// Node is one Sentinel: its process, its file and its connections.
type Node struct {
	proc
	Disk Disk

	opt      SentinelOptions
	core     Core
	out      sentinel.Outbox
	wallSkew time.Duration
	asleep   time.Duration // for how long its monotonic clock has stood still
	since    time.Duration // if it does so now: since when
	sleeps   bool
	boot     bool          // its other clock counts that
	tickDue  time.Duration // when the armed tick comes; 0 = none

	links    map[sentinel.LinkID]*link
	requests map[sentinel.ReqID]*request
	lastReq  sentinel.ReqID
	ready    []*inbound // answered, and perhaps with more to serve
	silent   bool       // nothing is answered: the disk is sick
	waiting  []func()   // what it does then
	view     map[string]Addr
	jobs     map[sentinel.JobID]uint64
	pids     int
	ExitCode int // of the last Exit that the core asked for
}

// link is a connection that the core dialled.
type link struct {
	id     sentinel.LinkID
	to     Addr
	c      *conn
	pubsub bool
	asked  map[sentinel.Tag]time.Duration // when INFO was asked for, by tag
	lists  map[sentinel.Tag]string        // the master whose Sentinels were asked for, by tag
	told   map[string]resp.Value          // the answers, by master
	peer   bool                           // what answers is asked as a Sentinel, not as an instance
}

// AddSentinel makes a Sentinel and starts it.
func (w *World) AddSentinel(o SentinelOptions) *Node {
	if o.Make == nil {
		o.Make = realCore
	}
	n := &Node{opt: o}
	n.proc = proc{w: w, self: n, host: w.host(o.Addr.IP), addr: o.Addr, name: o.Name}
	n.Disk = Disk{Latency: w.opt.Fsync, node: n, saved: o.Boot, sure: o.Boot}
	w.procs[o.Addr] = n
	w.nodes = append(w.nodes, n)
	n.Start()
	return n
}

// ID is the run id that the file holds.
func (n *Node) ID() string { return n.Disk.saved.MyID }

// Dump writes the state of the core.
func (n *Node) Dump(w io.Writer) error {
	if n.core == nil {
		return nil
	}
	return n.core.Dump(w)
}

// View is what the Sentinel's clients get as address of a master.
func (n *Node) View(master string) (Addr, bool) {
	a, ok := n.view[master]
	return a, ok
}

// StepClock steps the wall clock of the Sentinel's host by d.
func (n *Node) StepClock(d time.Duration) { n.wallSkew += d }

// Start starts the process if it does not run and its host is up.
func (n *Node) Start() {
	if n.up || n.host.down {
		return
	}
	boot := n.Disk.saved
	general := n.opt.Boot
	boot.Port, boot.TLSPort, boot.TLSReplication = general.Port, general.TLSPort, general.TLSReplication
	boot.RequirePass, boot.LogLevel, boot.StateFile = general.RequirePass, general.LogLevel, general.StateFile
	boot.StrictDurability = general.StrictDurability
	n.links = map[sentinel.LinkID]*link{}
	n.requests = map[sentinel.ReqID]*request{}
	n.view = map[string]Addr{}
	n.jobs = map[sentinel.JobID]uint64{}
	n.out = sentinel.Outbox{}
	n.tickDue, n.silent, n.waiting = 0, false, nil
	core, err := n.opt.Make(n.stamp(), boot, n.w.rng.Uint64())
	if err != nil {
		n.w.check.fail(n.name, "S2.9", "the core refuses its own file: %v", err)
		return
	}
	n.up, n.core = true, core
	n.w.check.started(n)
	n.perform(n.out.Push(core.Start()))
	n.finish()
}

func (n *Node) stamp() sentinel.Stamp {
	return sentinel.Stamp{
		Mono: n.w.now - n.asleep,
		Wall: n.w.opt.WallBase + (n.w.now + n.wallSkew).Milliseconds(),
	}
}

// step is a turn of the loop with one input.
func (n *Node) step(in sentinel.Input) {
	n.stepAlone(in)
	n.finish()
}

// stepAlone gives the core one input and carries out what it says.
func (n *Node) stepAlone(in sentinel.Input) {
	if n.core == nil {
		return
	}
	es := n.core.Step(n.stamp(), in)
	if core, ours := n.core.(interface{ Check() }); ours {
		core.Check()
	}
	n.w.check.stepped(n, es)
	n.perform(n.out.Push(es))
}

// finish is the end of a turn of the loop.
func (n *Node) finish() {
	if n.core == nil {
		return
	}
	for len(n.ready) > 0 {
		in := n.ready[0]
		n.ready = n.ready[1:]
		n.work(in)
	}
	n.Disk.kick()
	if n.core == nil {
		return
	}
	due := max(n.core.NextDeadline()+n.asleep, n.w.now+minTick)
	if n.tickDue == 0 || due < n.tickDue {
		n.tickDue = due
		n.w.queue.push(due+n.w.rng.Duration(n.w.opt.TickLate), n, n.life<<32|uint64(due/minTick)&0xffffffff)
	}
}

// minTick is the least time that a timer takes.
const minTick = 50 * time.Microsecond

// fire is a timer of the loop; one that was armed before an earlier one, or in
// a former life, is void.
func (n *Node) fire(arg uint64) {
	if n.core == nil || arg != n.life<<32|uint64(n.tickDue/minTick)&0xffffffff {
		return
	}
	n.do(n.tick)
}

func (n *Node) tick() {
	n.tickDue = 0
	if n.core.NextDeadline()+n.asleep <= n.w.now {
		n.step(sentinel.Tick{})
		return
	}
	n.finish()
}

// written is the end of a write as the loop learns it.
func (n *Node) written(seq sentinel.Seq, took time.Duration, reason string) {
	switch {
	case reason == "":
		n.perform(n.out.Release(seq, true))
	case n.opt.Boot.StrictDurability:
		n.perform(n.out.Refuse(seq))
	default:
		n.perform(n.out.Release(seq, false))
	}
	n.step(sentinel.Persisted{Seq: seq, Took: took, Reason: reason})
}

// die forgets what only the process knew.
func (n *Node) die() {
	n.w.check.died(n)
	n.Disk.crashed()
	n.core, n.ready, n.sleeps = nil, nil, false
}

func (n *Node) perform(actions []sentinel.Action) {
	for _, a := range actions {
		if n.core == nil {
			return
		}
		n.act(a)
	}
}

func (n *Node) act(a sentinel.Action) {
	switch a := a.(type) {
	case sentinel.Persist:
		n.Disk.want()
	case sentinel.Dial:
		n.dial(a)
	case sentinel.Hangup:
		if l := n.links[a.Link]; l != nil {
			delete(n.links, a.Link)
			if l.c != nil {
				l.c.hangup(0)
			}
		}
	case *sentinel.Send:
		n.send(a)
	case sentinel.Respond:
		n.respond(a)
	case sentinel.Emit:
		n.w.tell(n, a.Event)
	case sentinel.Show:
		n.show(a)
	case sentinel.RunScript:
		n.script(a)
	case sentinel.KillJob:
		if life, ok := n.jobs[a.Job]; ok && life == n.life {
			delete(n.jobs, a.Job)
			n.later(time.Millisecond, sentinel.ScriptDone{Job: a.Job, Signal: 9})
		}
	case sentinel.Resolve:
		n.resolve(a.Host)
	case sentinel.Exit:
		n.ExitCode = a.Code
		n.crash()
	case sentinel.DiskSick:
		n.silence(a.Silent)
	case sentinel.SetLogLevel:
	}
}

// later gives the core an input after d, if it lives till then.
func (n *Node) later(d time.Duration, in sentinel.Input) {
	life := n.life
	n.w.after(d, call(func() {
		if n.life == life {
			n.do(func() { n.step(in) })
		}
	}), 0)
}

func (n *Node) dial(a sentinel.Dial) {
	l := &link{id: a.Link, to: Addr{a.Addr.IP, a.Addr.Port}, pubsub: a.PubSub, asked: map[sentinel.Tag]time.Duration{}, lists: map[sentinel.Tag]string{}, told: map[string]resp.Value{}}
	n.links[a.Link] = l
	l.c = n.w.dial(n, l.to, a.Timeout)
	l.c.ends[0].user = l
}

func (n *Node) send(a *sentinel.Send) {
	l := n.links[a.Link]
	if l == nil {
		return
	}
	n.w.check.sent(n, l.to, a.Cmds)
	l.peer = l.peer || a.Cmds[0][0] == "SENTINEL"
	if len(a.Cmds) == 1 && a.Cmds[0][0] == "INFO" {
		l.asked[a.Tag] = n.w.now
	}
	if c := a.Cmds[0]; len(c) == 3 && c[1] == "SENTINELS" {
		l.lists[a.Tag] = c[2]
	}
	l.c.send(0, msg{kind: msgRequest, tag: a.Tag, cmds: a.Cmds})
}

func (n *Node) show(a sentinel.Show) {
	if a.Gone {
		delete(n.view, a.Master)
	} else {
		n.view[a.Master] = Addr{a.Host, a.Port}
	}
	n.w.check.shown(n, a)
}

func (n *Node) script(a sentinel.RunScript) {
	r := n.w.scripts[a.Argv[0]]
	n.pids++
	if n.w.OnScript != nil {
		n.w.OnScript(n, a.Argv)
	}
	if r.Missing {
		n.later(time.Millisecond, sentinel.ScriptUp{Job: a.Job})
		return
	}
	n.jobs[a.Job] = n.life
	n.later(time.Millisecond, sentinel.ScriptUp{Job: a.Job, PID: 1000 + n.pids})
	if r.Takes < 0 {
		return
	}
	if r.Takes == 0 {
		r.Takes = 10 * time.Millisecond
	}
	life := n.life
	n.w.after(r.Takes+time.Millisecond, call(func() {
		if n.life != life || n.jobs[a.Job] != life {
			return
		}
		delete(n.jobs, a.Job)
		n.do(func() { n.step(sentinel.ScriptDone{Job: a.Job, Code: r.Code, Signal: r.Signal}) })
	}), 0)
}

func (n *Node) resolve(name string) {
	r := sentinel.Resolved{Host: name, IPs: n.w.dns[name]}
	if len(r.IPs) == 0 {
		r.Reason = "no such host"
	}
	n.later(2*n.w.opt.Latency, r)
}

// handle takes what comes on a connection.
func (n *Node) handle(c *conn, end int, m *msg) {
	if n.core == nil {
		return
	}
	if end == 1 {
		n.serve(c, m)
		return
	}
	l := c.ends[0].user.(*link)
	if n.links[l.id] != l {
		return
	}
	switch m.kind {
	case msgUp:
		n.step(sentinel.LinkUp{Link: l.id, Local: n.addr.IP})
	case msgRefused, msgDown:
		delete(n.links, l.id)
		n.step(sentinel.LinkDown{Link: l.id, Refused: m.kind == msgRefused, Reason: m.text})
	case msgPush:
		h := sentinel.Hello{Link: l.id}
		if m.num == 0 {
			h.Payload = []byte(m.text)
		}
		n.step(h)
	case msgReply:
		if l.pubsub && m.value.Kind == resp.Error && m.num == 1 {
			n.step(sentinel.Hello{Link: l.id, Payload: []byte(m.value.Str), Failed: true})
			return
		}
		if !l.peer {
			n.w.check.heardOK(n, l.to, m.value)
		}
		if m.value.Kind == resp.Bulk {
			n.w.check.heardInfo(n, l, l.asked[m.tag], m.value.Str)
			delete(l.asked, m.tag)
		}
		if name, ok := l.lists[m.tag]; ok {
			l.told[name] = m.value
			delete(l.lists, m.tag)
		}
		if m.tag != 0 {
			n.step(sentinel.Answer{Tag: m.tag, Value: m.value})
		}
	}
}
