package sim

import (
	"fmt"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/rng"
)

// Plan is a random world: what it is made of and how long it is hurt. All of
// it comes from the seed.
type Plan struct {
	Seed      uint64
	Sentinels int
	Originals int // of them, models of an original: in one of four worlds
	Masters   int
	Replicas  int // of each master
	Quorum    int
	Options   Options
	DownAfter time.Duration
	Timeout   time.Duration // failover-timeout
	Parallel  int           // parallel-syncs
	Hurt      time.Duration // how long faults happen
	Gap       time.Duration // mean time between two faults
	Clients   bool          // clients write all the time: in every other world
	Strict    bool          // strict-durability: in one of five worlds
	Fresh     bool          // hurt from the first moment, some Sentinels start late: in one of eight worlds
	ByHand    bool          // masters are switched by hand: in one of seven, where no original takes part
	Forger    bool          // somebody publishes hellos that are not true: in one of six, where no original takes part
	Machines  bool          // the machines have faults of their own: in one of eight worlds
	Faults    []string      // what has been done, for the report
	Core      MakeCore      // makes the cores that are not originals; nil = the real one
}

// Outcome is what became of a random world.
type Outcome struct {
	Plan       *Plan
	World      *World
	Settled    time.Duration // how long after the last fault all agreed
	Violations []string      // rules that were broken, agreement included
}

// pick returns one of the choices.
func pick[T any](r *rng.Rand, of ...T) T { return of[r.IntN(len(of))] }

// NewPlan draws a plan from a seed.
func NewPlan(seed uint64) *Plan {
	r := rng.New(seed)
	p := &Plan{
		Seed:      seed,
		Sentinels: pick(r, 1, 2, 3, 3, 3, 3, 4, 5, 5, 7, 9),
		Masters:   pick(r, 1, 1, 1, 2, 3),
		Replicas:  pick(r, 1, 2, 2, 3, 4),
		DownAfter: pick(r, 500*time.Millisecond, time.Second, 2*time.Second, 5*time.Second),
		Timeout:   pick(r, 3*time.Second, 6*time.Second, 20*time.Second),
		Parallel:  pick(r, 1, 1, 2, 5),
		Hurt:      10*time.Second + r.Duration(50*time.Second),
		Gap:       pick(r, 200*time.Millisecond, 500*time.Millisecond, time.Second, 3*time.Second),
	}
	p.Quorum = p.Sentinels/2 + 1
	if r.Chance(0.3) {
		p.Quorum = 1 + r.IntN(p.Sentinels)
	}
	p.Options = Options{
		Seed:     r.Uint64(),
		Latency:  pick(r, 50*time.Microsecond, 250*time.Microsecond, time.Millisecond, 5*time.Millisecond, 25*time.Millisecond),
		Fsync:    pick(r, 100*time.Microsecond, time.Millisecond, 4*time.Millisecond, 50*time.Millisecond),
		TickLate: pick(r, 0, time.Millisecond, 5*time.Millisecond),
	}
	p.Options.Jitter = r.Duration(p.Options.Latency)
	if seed%4 == 2 {
		p.Originals = 1 + r.IntN(p.Sentinels)
	}
	p.Clients, p.Strict, p.Forger, p.Machines = seed%2 == 0, seed%5 == 3, seed%6 == 1 && p.Originals == 0, seed%8 == 5
	p.ByHand = seed%7 == 3 && p.Originals == 0
	p.Fresh = seed%8 == 4 && p.Sentinels > 1
	return p
}

// String is the plan on one line.
func (p *Plan) String() string {
	fresh := ""
	if p.Fresh {
		fresh = " fresh"
	}
	return fmt.Sprintf("seed=%d sentinels=%d originals=%d quorum=%d masters=%d replicas=%d down-after=%v failover-timeout=%v parallel-syncs=%d latency=%v fsync=%v hurt=%v gap=%v%s",
		p.Seed, p.Sentinels, p.Originals, p.Quorum, p.Masters, p.Replicas, p.DownAfter, p.Timeout, p.Parallel,
		p.Options.Latency, p.Options.Fsync, p.Hurt.Round(time.Second), p.Gap, fresh)
}

// Make builds the world of the plan.
func (p *Plan) Make() *World {
	w := New(p.Options)
	var masters []conf.Master
	for m := range p.Masters {
		name := fmt.Sprintf("m%d", m+1)
		at := memberAddr(m, 0)
		w.AddInstance(InstanceOptions{Addr: at, Group: name, SyncTakes: w.rng.Duration(time.Second)})
		for k := range p.Replicas {
			w.AddInstance(InstanceOptions{
				Addr: memberAddr(m, k+1), Group: name, Master: at,
				SyncTakes: w.rng.Duration(time.Second), Priority: pick(w.rng, 100, 100, 100, 10),
			})
		}
		masters = append(masters, conf.Master{
			Name: name, Addr: conf.Endpoint{Host: at.IP, Port: at.Port}, Quorum: p.Quorum,
			DownAfter: p.DownAfter, FailoverTimeout: p.Timeout, ParallelSyncs: p.Parallel,
		})
	}
	for k := range p.Sentinels {
		st := conf.State{Port: conf.DefaultPort, MyID: w.hex40(), DenyScriptsReconfig: true, StrictDurability: p.Strict}
		for _, m := range masters {
			st.Masters = append(st.Masters, new(m))
		}
		o := SentinelOptions{Name: fmt.Sprintf("s%d", k+1), Addr: Addr{fmt.Sprintf("10.0.9.%d", k+1), conf.DefaultPort}, Boot: st, Make: p.Core}
		if k < p.Originals {
			o.Make, o.Original = NewOriginal, true
		}
		w.AddSentinel(o)
	}
	if p.Clients {
		for m, g := range w.groups {
			w.AddClient(g, fmt.Sprintf("10.0.8.%d", m+1), clientPeriod, p.Seed+uint64(m))
		}
	}
	return w
}

// restricted are the commands around SLAVEOF that instances of some worlds do
// not permit; without CONFIG a restart forgets the role, see failRewrite.
var restricted = []string{"MULTI", "EXEC", "CLIENT", "DISCARD", "CONFIG"}

// restrict lets instances refuse the transaction of SLAVEOF, for good, in one of
// sixteen worlds: they are at their memory limit, or do not permit what is in it.
//
// Rule: E-52.
func (p *Plan) restrict(w *World) {
	if p.Seed%16 != 11 {
		return
	}
	r := rng.New(p.Seed ^ 0xacce55)
	commands := restricted
	if p.DownAfter < 5*time.Second {
		commands = commands[:len(commands)-1]
	}
	for _, i := range w.insts {
		i.Full = r.Chance(0.3)
		if r.Chance(0.5) {
			i.Denied = []string{pick(r, commands...), pick(r, commands...)}
		}
	}
}

// memberAddr is where the master of number m listens, or its k-th replica.
func memberAddr(m, k int) Addr {
	return Addr{fmt.Sprintf("10.%d.%d.%d", (m+1)>>8, (m+1)&255, k+1), 6379}
}

// clientPeriod is the mean time between two writes of a client.
const clientPeriod = 50 * time.Millisecond

// settleWithin is how long after the last fault all must agree: the rest of a
// TILT, detection, an election, the pause after an attempt that failed, and a
// replica that is converted or synchronised again.
func (p *Plan) settleWithin() time.Duration {
	return 60*time.Second + 2*p.DownAfter + 3*p.Timeout
}

// discovery is how long a world may find itself before it is hurt.
const discovery = 15 * time.Second

// Play makes the world, hurts it, heals it, and says what was seen. A broken
// invariant inside a core counts as a violation too. Watch, if not nil, is
// called when the world is made.
func (p *Plan) Play(watch func(*World)) (o Outcome) {
	o.Plan = p
	defer func() {
		if x := recover(); x != nil {
			o.Violations = append(o.Violations, fmt.Sprintf("%s panic: %v", stampText(o.World.now), x))
		}
	}()
	w := p.Make()
	o.World = w
	if watch != nil {
		watch(w)
	}
	p.restrict(w)
	f := &faults{p: p, w: w, r: rng.New(p.Seed ^ 0x5eed), priorities: map[*Instance]int{}}
	if p.Fresh {
		f.startLate()
	} else {
		w.Run(discovery)
		w.allKnown = w.acquainted()
	}
	forger, hand := newForger(p, w), newByHand(p, w)
	end := w.now + p.Hurt
	for w.now < end {
		w.Run(f.r.Duration(2 * p.Gap))
		f.one()
		forger.one()
		hand.one()
	}
	took, why := w.Settle(p.settleWithin())
	o.Settled = took
	if why == "" && !w.check.reset && p.Clients {
		w.keepWrites(settleHold)
	}
	o.Violations = append(o.Violations, w.Violations()...)
	if why != "" && (!w.check.loose() || w.check.reset && p.Originals == 0) {
		o.Violations = append(o.Violations, fmt.Sprintf("%s I-11: not settled after %v: %s", stampText(w.now), took, why))
	}
	return o
}

// Report is the outcome for a person: the plan, the faults, what was broken.
func (o Outcome) Report() string {
	return fmt.Sprintf("%v\n%s\nsettled after %v\n%s", o.Plan, strings.Join(o.Plan.Faults, "\n"),
		o.Settled.Round(time.Millisecond), strings.Join(o.Violations, "\n"))
}
