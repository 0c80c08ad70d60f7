package sim

import (
	"fmt"
	"strings"
	"time"

	"gosentinel/internal/rng"
)

// faults draws faults from a seed and does them.
type faults struct {
	p *Plan
	w *World
	r *rng.Rand

	priorities map[*Instance]int // of those that have been changed, before
}

// fault is one kind of harm; weight says how often it is drawn.
type fault struct {
	weight int
	do     func(f *faults) string
}

var faultKinds = []fault{
	{8, (*faults).crashInstance},
	{10, (*faults).crashMaster},
	{4, (*faults).pauseMaster},
	{6, (*faults).crashSentinel},
	{4, (*faults).pauseInstance},
	{4, (*faults).pauseSentinel},
	{2, (*faults).powerCut},
	{4, (*faults).cutPair},
	{3, (*faults).isolate},
	{2, (*faults).split},
	{3, (*faults).breakLinks},
	{3, (*faults).slowDisk},
	{1, (*faults).failDisk},
	{1, (*faults).stallDisk},
	{1, (*faults).stepClock},
	{2, (*faults).failover},
	{2, (*faults).slowInfo},
	{2, (*faults).changePriority},
	{4, (*faults).write},
	{1, (*faults).restartEmpty},
	{2, (*faults).operator},
	{1, (*faults).failRewrite},
	{1, (*faults).busy},
	{1, (*faults).reset},
}

// machineFaults are those of the machine below a Sentinel. They happen in some
// worlds only, so that the others stay what they were.
var machineFaults = []fault{
	{1, (*faults).hangDisk},
	{1, (*faults).suspend},
}

// one does one fault and notes it.
func (f *faults) one() {
	kinds := faultKinds
	if f.p.Machines && f.r.Chance(0.2) {
		kinds = machineFaults
	}
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	n := f.r.IntN(total)
	for _, k := range kinds {
		if n -= k.weight; n < 0 {
			f.p.Faults = append(f.p.Faults, stampText(f.w.now)+" "+k.do(f))
			return
		}
	}
}

// lateMax is how much later than the others a Sentinel of a fresh world starts.
const lateMax = 8 * time.Second

// startLate lets some Sentinels of a world that begins start late, some of the
// ways between them be cut meanwhile, and a master die while they find each
// other.
//
// Rule: E-18, W-35.
func (f *faults) startLate() {
	f.w.check.fresh, f.w.check.strangers = true, 2*f.p.Quorum <= f.p.Sentinels
	for _, n := range f.w.nodes {
		if f.r.Chance(0.5) {
			n.Crash()
			late := f.r.Duration(pick(f.r, 100*time.Millisecond, time.Second, lateMax))
			f.w.At(late, n.Start)
			f.p.Faults = append(f.p.Faults, fmt.Sprintf("%s starts at %v", n.name, late))
		}
	}
	for range f.r.IntN(4) {
		f.p.Faults = append(f.p.Faults, stampText(f.w.now)+" "+f.cutPair())
	}
	f.w.Run(f.r.Duration(pick(f.r, 200*time.Millisecond, 2*time.Second, 6*time.Second)))
	f.p.Faults = append(f.p.Faults, stampText(f.w.now)+" "+f.crashMaster())
	f.w.Run(f.r.Duration(discoveryMax))
}

func (f *faults) node() *Node         { return pick(f.r, f.w.nodes...) }
func (f *faults) instance() *Instance { return pick(f.r, f.w.insts...) }

// later undoes a fault after a while, mostly soon, and gives that while.
func (f *faults) later(undo func()) time.Duration {
	d := f.r.Duration(pick(f.r, 300*time.Millisecond, 3*time.Second, 10*time.Second, 30*time.Second))
	f.w.At(f.w.now+d, undo)
	return d
}

func (f *faults) crashInstance() string { return f.crash(f.instance()) }

func (f *faults) crash(i *Instance) string {
	i.Crash()
	i.LoadTakes = f.r.Duration(pick(f.r, 0, 0, 2*time.Second))
	d := f.later(func() { i.Start(false) })
	return fmt.Sprintf("crash %s for %v", i.name, d)
}

func (f *faults) crashMaster() string {
	if i := f.master(); i != nil {
		return f.crash(i)
	}
	return "no master to crash"
}

func (f *faults) pauseMaster() string {
	i := f.master()
	if i == nil {
		return "no master to pause"
	}
	i.Pause()
	return fmt.Sprintf("pause %s for %v", i.name, f.later(i.Resume))
}

// master is a master of one of the groups that runs, or nil.
func (f *faults) master() *Instance {
	g := pick(f.r, f.w.groups...)
	for _, i := range f.w.insts {
		if i.opt.Group == g && i.up && i.IsMaster() {
			return i
		}
	}
	return nil
}

func (f *faults) crashSentinel() string {
	n := f.node()
	n.Disk.Torn = f.r.Chance(0.5)
	n.Crash()
	d := f.later(n.Start)
	return fmt.Sprintf("crash %s for %v", n.name, d)
}

func (f *faults) pauseInstance() string {
	i := f.instance()
	i.Pause()
	return fmt.Sprintf("pause %s for %v", i.name, f.later(i.Resume))
}

func (f *faults) pauseSentinel() string {
	n := f.node()
	n.Pause()
	return fmt.Sprintf("pause %s for %v", n.name, f.later(n.Resume))
}

// hosts are the IPs of all processes.
func (f *faults) hosts() []string {
	var out []string
	for _, n := range f.w.nodes {
		out = append(out, n.host.ip)
	}
	for _, i := range f.w.insts {
		out = append(out, i.host.ip)
	}
	return out
}

func (f *faults) powerCut() string {
	ip := pick(f.r, f.hosts()...)
	f.w.HostDown(ip)
	return fmt.Sprintf("power off %s for %v", ip, f.later(func() { f.w.HostRestart(ip, false) }))
}

// cut cuts all ways between two sets, or only those from the first.
func (f *faults) cut(left, right []string, oneway bool) time.Duration {
	each := func(do func(a, b string)) {
		for _, a := range left {
			for _, b := range right {
				if a == b {
					continue
				}
				do(a, b)
				if !oneway {
					do(b, a)
				}
			}
		}
	}
	each(f.w.Cut)
	return f.later(func() { each(f.w.Heal) })
}

func (f *faults) cutPair() string {
	hosts := f.hosts()
	a, b := pick(f.r, hosts...), pick(f.r, hosts...)
	oneway := f.r.Chance(0.4)
	return fmt.Sprintf("cut %s %s oneway=%v for %v", a, b, oneway, f.cut([]string{a}, []string{b}, oneway))
}

func (f *faults) isolate() string {
	hosts := f.hosts()
	a := pick(f.r, hosts...)
	oneway := f.r.Chance(0.3)
	return fmt.Sprintf("isolate %s oneway=%v for %v", a, oneway, f.cut([]string{a}, hosts, oneway))
}

func (f *faults) split() string {
	var left, right []string
	for _, h := range f.hosts() {
		if f.r.Chance(0.5) {
			left = append(left, h)
		} else {
			right = append(right, h)
		}
	}
	return fmt.Sprintf("split off %s for %v", strings.Join(left, ","), f.cut(left, right, false))
}

func (f *faults) breakLinks() string {
	hosts := f.hosts()
	a, b := pick(f.r, hosts...), pick(f.r, hosts...)
	f.w.Break(a, b)
	return fmt.Sprintf("break %s %s", a, b)
}

func (f *faults) slowDisk() string {
	n := f.node()
	n.Disk.Latency = f.r.Duration(400 * time.Millisecond)
	n.Disk.Jitter = n.Disk.Latency / 2
	return fmt.Sprintf("disk of %s takes %v", n.name, n.Disk.Latency)
}

func (f *faults) failDisk() string {
	n := f.node()
	n.Disk.Failing = true
	return fmt.Sprintf("disk of %s fails for %v", n.name, f.later(func() { n.Disk.Failing = false }))
}

func (f *faults) stallDisk() string {
	n := f.node()
	n.Disk.Stalled = true
	return fmt.Sprintf("disk of %s stalls for %v", n.name, f.later(n.Disk.Unstall))
}

// hangDisk stops the writes of a Sentinel for long, mostly just when they matter.
func (f *faults) hangDisk() string {
	n := f.node()
	n.Disk.Stalled = true
	d := time.Second + f.r.Duration(pick(f.r, time.Second, 5*time.Second, 30*time.Second))
	f.w.At(f.w.now+d, n.Disk.Unstall)
	more := ""
	if f.r.Chance(0.7) {
		more = ", " + f.crashMaster()
	}
	if f.r.Chance(0.2) {
		f.w.At(f.w.now+f.r.Duration(d), func() { n.Crash(); f.later(n.Start) })
	}
	return fmt.Sprintf("disk of %s hangs for %v%s", n.name, d, more)
}

// suspend stops the machine of a Sentinel with its monotonic clock, mostly while
// it may be leading: just after the master is down.
func (f *faults) suspend() string {
	n, boot := f.node(), f.r.Chance(0.5)
	after, more := time.Duration(0), ""
	if f.r.Chance(0.8) {
		more = ", " + f.crashMaster()
		after = f.p.DownAfter + f.r.Duration(pick(f.r, 20*time.Millisecond, 100*time.Millisecond, 500*time.Millisecond))
	}
	d := f.r.Duration(pick(f.r, 3*time.Second, 10*time.Second, 40*time.Second))
	f.w.At(f.w.now+after, func() { n.Sleep(boot) })
	f.w.At(f.w.now+after+d, n.Wake)
	return fmt.Sprintf("machine of %s suspended in %v for %v, told: %t%s", n.name, after, d, boot, more)
}

func (f *faults) stepClock() string {
	n := f.node()
	d := f.r.Duration(2*time.Hour) - time.Hour
	n.StepClock(d)
	return fmt.Sprintf("clock of %s steps by %v", n.name, d)
}

func (f *faults) failover() string {
	n, g := f.node(), pick(f.r, f.w.groups...)
	n.Command(nil, "SENTINEL", "FAILOVER", g)
	return fmt.Sprintf("%s: SENTINEL FAILOVER %s", n.name, g)
}

func (f *faults) slowInfo() string {
	i := f.instance()
	i.InfoDelay = f.r.Duration(400 * time.Millisecond)
	return fmt.Sprintf("INFO of %s takes %v for %v", i.name, i.InfoDelay, f.later(func() { i.InfoDelay = 0 }))
}

func (f *faults) changePriority() string {
	i := f.instance()
	was, changed := f.priorities[i]
	if !changed { // else an earlier change may not be undone yet
		was = i.opt.Priority
		f.priorities[i] = was
	}
	p := pick(f.r, -1, 1, 50, 100)
	i.SetPriority(p)
	return fmt.Sprintf("priority of %s is %d for %v", i.name, p, f.later(func() { i.SetPriority(was) }))
}

// write lets clients write to whatever takes writes, so that offsets differ.
func (f *faults) write() string {
	for _, i := range f.w.insts {
		for range f.r.IntN(5) {
			i.Write(f.r.Uint64())
		}
	}
	return "writes"
}

// restartEmpty restarts an instance that has lost its data.
func (f *faults) restartEmpty() string {
	i := f.instance()
	i.Crash()
	return fmt.Sprintf("crash %s for %v, empty then", i.name, f.later(func() { i.Start(true) }))
}

// operator gives a replica another role behind the Sentinels' backs. A master
// is left alone: two instances that follow each other lose their links, and
// B-711 then rejects them for ever.
func (f *faults) operator() string {
	i, to := f.instance(), f.instance()
	if i.IsMaster() {
		return "no operator"
	}
	if i == to || i.opt.Group != to.opt.Group {
		i.Command("SLAVEOF", "NO", "ONE")
		return i.name + ": SLAVEOF NO ONE"
	}
	i.Command("SLAVEOF", to.addr.IP, fmt.Sprint(to.addr.Port))
	return fmt.Sprintf("%s: SLAVEOF %s", i.name, to.name)
}

// failRewrite makes a promotion or demotion be forgotten by a restart. Where
// down-after is short, a master that comes back as a replica may leave nobody
// whom B-711 lets be promoted.
func (f *faults) failRewrite() string {
	i := f.instance()
	i.FailRewrite = f.p.DownAfter >= 5*time.Second
	return fmt.Sprintf("%s cannot rewrite its configuration for %v", i.name, f.later(func() { i.FailRewrite = false }))
}

func (f *faults) busy() string {
	i := f.instance()
	i.Busy = true
	return fmt.Sprintf("%s is busy for %v", i.name, f.later(func() { i.Busy = false }))
}

// reset makes a Sentinel forget its peers: from then on what rests on
// majorities is not checked any more.
func (f *faults) reset() string {
	n, g := f.node(), pick(f.r, f.w.groups...)
	n.Command(nil, "SENTINEL", "RESET", g)
	return fmt.Sprintf("%s: SENTINEL RESET %s", n.name, g)
}
