package soak

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// settlePatience is how long a cluster may take after a fault: a Sentinel that
// was frozen is in TILT for 30 s, and its peers need it where another is dead.
const settlePatience = 90 * time.Second

// soak is one run.
type soak struct {
	t       *testing.T
	c       *testbed.Cluster
	rand    *rand.Rand
	deaths  []lapse
	samples map[int][]usage // by process id
	names   map[int]string
	did     map[string]int
}

// faults are what may happen to a cluster that is at rest. Each leaves
// everything running.
var faults = []struct {
	name string
	do   func(*soak)
}{
	{"master killed", func(s *soak) { s.killRedis(s.master()) }},
	{"master stopped", func(s *soak) { s.stopRedis(s.master()) }},
	{"master frozen", func(s *soak) { s.freeze(s.master().Process, 4*time.Second) }},
	{"master restarted at once", func(s *soak) { m := s.master(); m.Kill(); s.up(m) }},
	{"replica killed", func(s *soak) { s.killRedis(s.replica()) }},
	{"replica frozen", func(s *soak) { s.freeze(s.replica().Process, 3*time.Second) }},
	{"Sentinel killed", func(s *soak) { s.killSentinel(s.mortal()) }},
	{"Sentinel stopped", func(s *soak) { s.stopSentinel(s.mortal()) }},
	{"Sentinel frozen", func(s *soak) { s.freeze(s.anySentinel().Process, 1500*time.Millisecond) }},
	{"failover by hand", func(s *soak) { s.failover() }},
	{"failover by hand, its Sentinel killed", func(s *soak) { s.failoverAndKill() }},
	{"master and a Sentinel killed", func(s *soak) { m := s.master(); m.Kill(); s.killSentinel(s.mortal()); s.later(4); s.up(m) }},
	{"failover by hand, master killed", func(s *soak) {
		m := s.master()
		s.failover()
		s.blink(100)
		m.Kill()
		s.later(4)
		s.up(m)
	}},
}

// Random faults under load, for as long as asked.
//
// Rule: B-720, B-732, S-5, S-7, L-3, L-5, I-11.
func TestSoak(t *testing.T) {
	fixture.NeedsRedis(t)
	t.Logf("seed %d", *seed)
	bed, err := testbed.New(fixture.Programs)
	require.NoError(t, err)
	s := &soak{t: t, rand: rand.New(rand.NewPCG(*seed, 0)), samples: map[int][]usage{}, names: map[int]string{}, did: map[string]int{}}
	defer func() {
		if t.Failed() {
			t.Log("\n" + bed.Logs(8000))
		}
		s.c.Events.Close()
		require.NoError(t, bed.Close())
	}()
	begin := time.Now()
	s.c, err = bed.Cluster(testbed.ClusterOptions{FailoverTimeout: 10 * time.Second})
	require.NoError(t, err)
	clients := startLoad(s.c)
	defer clients.end()
	s.sample()

	longest := time.Duration(0)
	for time.Since(begin) < time.Duration(*minutes*float64(time.Minute)) {
		f := faults[s.rand.IntN(len(faults))]
		at := time.Now()
		f.do(s)
		s.did[f.name]++
		after := time.Now()
		err := s.c.Settle(settlePatience)
		s.races()
		if err != nil {
			t.Fatalf("after %s: %v\n%s", f.name, err, s.c.Events.Text(at))
		}
		longest = max(longest, time.Since(after))
		s.agree()
		s.sample()
	}
	clients.end()

	tried, open := account(s.c.Events.Since(begin), s.deaths)
	require.Empty(t, open, "attempts without an end")
	for pid, all := range s.samples {
		require.Empty(t, grown(all), s.names[pid])
	}
	s.races()
	old, fresh := s.goroutines()
	s.report(begin, clients, tried, longest, old, fresh)
	require.LessOrEqual(t, old, fresh+10, "goroutines of the Sentinel that ran all the time, and of one just started")
}

func (s *soak) report(begin time.Time, l *load, tried tally, longest time.Duration, old, fresh int) {
	var b strings.Builder
	fmt.Fprintf(&b, "%v, seed %d\n", time.Since(begin).Round(time.Second), *seed)
	for _, f := range faults {
		fmt.Fprintf(&b, "  %3d times %s\n", s.did[f.name], f.name)
	}
	fmt.Fprintf(&b, "%v\nlongest time to agreement and rest %v\n", tried, longest.Round(time.Millisecond))
	fmt.Fprintf(&b, "%d writes, %d broken off, %d queries, %d subscriptions\n", l.writes.Load(), l.refused.Load(), l.queries.Load(), l.subscriptions.Load())
	witness := s.c.Sentinels[0]
	for pid, all := range s.samples {
		if s.names[pid] != witness.Name {
			continue
		}
		fmt.Fprintf(&b, "%s ran all the time\n  at first   %v\n", witness.Name, median(all[:min(settledBy, len(all))]))
		for part := range slices.Chunk(all, len(all)/4+1) {
			fmt.Fprintf(&b, "  a quarter  %v\n", median(part))
		}
	}
	fmt.Fprintf(&b, "  goroutines %d, of a Sentinel just started %d\n", old, fresh)
	fmt.Fprint(os.Stdout, b.String())
}

// agree checks what Settle does not: one config epoch everywhere.
func (s *soak) agree() {
	epochs := map[string]bool{}
	for _, x := range s.c.Sentinels {
		m, err := x.State(s.c.Name)
		require.NoError(s.t, err)
		epochs[m["config-epoch"]] = true
	}
	require.Len(s.t, epochs, 1, "config epochs")
}

// sample takes down what every Sentinel holds.
func (s *soak) sample() {
	for _, x := range s.c.Sentinels {
		u, err := usageOf(x.PID())
		require.NoError(s.t, err)
		s.samples[x.PID()] = append(s.samples[x.PID()], u)
		s.names[x.PID()] = x.Name
	}
}

// races looks for what the race detector and the runtime have said, and for
// Sentinels that have ended.
func (s *soak) races() {
	for _, x := range s.c.Sentinels {
		if !x.Running() {
			s.t.Errorf("%s has ended", x.Name)
		}
		text, err := os.ReadFile(x.Log)
		require.NoError(s.t, err)
		for _, bad := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: "} {
			if i := strings.Index(string(text), bad); i >= 0 {
				s.t.Fatalf("%s: %s", x.Name, text[i:min(len(text), i+3000)])
			}
		}
	}
}

// goroutines counts those of the Sentinel that was never restarted, and of one
// that has just been.
func (s *soak) goroutines() (old, fresh int) {
	young := s.c.Sentinels[len(s.c.Sentinels)-1]
	s.killSentinel(young)
	require.NoError(s.t, s.c.Settle(settlePatience))
	fresh, err := goroutines(young)
	require.NoError(s.t, err)
	s.revive(young)
	require.NoError(s.t, s.c.Settle(settlePatience))
	old, err = goroutines(s.c.Sentinels[0])
	require.NoError(s.t, err)
	return old, fresh
}

func (s *soak) master() *testbed.Redis {
	m, err := s.c.Master()
	require.NoError(s.t, err)
	return m
}

func (s *soak) replica() *testbed.Redis {
	all := s.c.Others(s.master())
	return all[s.rand.IntN(len(all))]
}

// mortal is a Sentinel that may be killed: the first one never is, so that what
// it holds tells of the whole time.
func (s *soak) mortal() *testbed.Sentinel {
	return s.c.Sentinels[1+s.rand.IntN(len(s.c.Sentinels)-1)]
}

func (s *soak) anySentinel() *testbed.Sentinel { return s.c.Sentinels[s.rand.IntN(len(s.c.Sentinels))] }

// later lets up to some seconds pass: they are part of the fault, and nothing
// is waited for.
func (s *soak) later(seconds int) { s.blink(1000 * seconds) }

// blink lets up to some milliseconds pass.
func (s *soak) blink(ms int) { <-time.After(time.Duration(s.rand.IntN(ms)) * time.Millisecond) }

func (s *soak) up(r *testbed.Redis) { require.NoError(s.t, r.Up()) }

func (s *soak) killRedis(r *testbed.Redis) {
	r.Kill()
	s.later(4)
	s.up(r)
}

func (s *soak) stopRedis(r *testbed.Redis) {
	require.True(s.t, r.Stop(10*time.Second))
	s.later(4)
	s.up(r)
}

func (s *soak) freeze(p *testbed.Process, most time.Duration) {
	p.Signal(syscall.SIGSTOP)
	s.blink(int(most / time.Millisecond))
	p.Signal(syscall.SIGCONT)
}

func (s *soak) killSentinel(x *testbed.Sentinel) {
	s.lapsed(x)
	x.Kill()
	s.c.Events.Drained(x.Name)
	s.later(2)
	s.revive(x)
}

func (s *soak) stopSentinel(x *testbed.Sentinel) {
	s.lapsed(x)
	require.True(s.t, x.Stop(15*time.Second), "%s does not end at SIGTERM", x.Name)
	s.c.Events.Drained(x.Name)
	s.later(2)
	s.revive(x)
}

func (s *soak) lapsed(x *testbed.Sentinel) {
	s.deaths = append(s.deaths, lapse{x.Name, time.Now()})
	require.True(s.t, slices.IsSortedFunc(s.deaths, func(a, b lapse) int { return a.at.Compare(b.at) }))
}

func (s *soak) revive(x *testbed.Sentinel) {
	require.NoError(s.t, x.Up())
	require.NoError(s.t, s.c.Events.Follow(x))
}

// failover orders one, which may be refused.
func (s *soak) failover() { s.order(s.anySentinel()) }

func (s *soak) order(x *testbed.Sentinel) {
	_, err := x.Do("SENTINEL", "FAILOVER", s.c.Name)
	if _, refused := err.(testbed.ReplyError); !refused {
		require.NoError(s.t, err)
	}
}

func (s *soak) failoverAndKill() {
	x := s.mortal()
	s.order(x)
	s.blink(30)
	s.killSentinel(x)
}
