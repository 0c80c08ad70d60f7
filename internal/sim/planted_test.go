package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// planted is the real core with a defect that the checkers must find.
type planted struct {
	Core
	effects func(es []sentinel.Effect) []sentinel.Effect
	input   func(in sentinel.Input) sentinel.Input
	early   bool // tell the core at once that a write is done
}

func (p *planted) Start() []sentinel.Effect { return p.spoil(p.Core.Start()) }

func (p *planted) Step(now sentinel.Stamp, in sentinel.Input) []sentinel.Effect {
	if p.input != nil {
		in = p.input(in)
	}
	es := p.Core.Step(now, in)
	if p.early {
		es = slices.Clone(es)
		for _, e := range es {
			if w, ok := e.Action.(sentinel.Persist); ok {
				es = append(es, p.Core.Step(now, sentinel.Persisted{Seq: w.Seq})...)
			}
		}
	}
	return p.spoil(es)
}

func (p *planted) spoil(es []sentinel.Effect) []sentinel.Effect {
	if p.effects != nil {
		es = p.effects(es)
	}
	return es
}

// ungated lets effects out before their write.
func ungated(which func(a sentinel.Action) bool) func([]sentinel.Effect) []sentinel.Effect {
	return func(es []sentinel.Effect) []sentinel.Effect {
		for i := range es {
			if which(es[i].Action) {
				es[i].After = 0
			}
		}
		return es
	}
}

// plant makes cores with a defect, and files with another.
func plant(spoil func(p *planted), boot func(s *conf.State)) MakeCore {
	return func(now sentinel.Stamp, s conf.State, seed uint64) (Core, error) {
		if boot != nil {
			boot(&s)
		}
		c, err := sentinel.New(now, s, seed)
		p := &planted{Core: c}
		if spoil != nil {
			spoil(p)
		}
		return p, err
	}
}

// unproven sends a PING instead of the promotion, and reads the role as changed.
func unproven(p *planted) {
	promoting := false
	p.effects = func(es []sentinel.Effect) []sentinel.Effect {
		for i := range es {
			if s, ok := es[i].Action.(*sentinel.Send); ok && len(s.Cmds) > 1 && strings.Join(s.Cmds[1], " ") == "SLAVEOF NO ONE" {
				idle := *s
				idle.Cmds, promoting = [][]string{{"PING"}}, true
				es[i].Action = &idle
			}
		}
		return es
	}
	p.input = func(in sentinel.Input) sentinel.Input {
		if a, ok := in.(sentinel.Answer); ok && promoting && a.Value.Kind == resp.Bulk {
			a.Value.Str = strings.Replace(a.Value.Str, "role:slave", "role:master", 1)
			return a
		}
		return in
	}
}

// Every checker finds the defects that it is there for, in some of the first
// worlds.
//
// Rule: I-1, I-2, I-3, I-4, I-6, I-7, I-10, I-11.
func TestPlantedDefectsAreFound(t *testing.T) {
	for _, tc := range []struct {
		name string
		want string // the checker
		make MakeCore
		from uint64 // the first seed, near one that shows it; 0 = 1
	}{
		{"a vote is answered before its write", "I-10", plant(func(p *planted) {
			p.effects = ungated(func(a sentinel.Action) bool { _, ok := a.(sentinel.Respond); return ok })
		}, nil), 0},
		{"a hello leaves before its write", "I-10", plant(func(p *planted) {
			p.effects = ungated(func(a sentinel.Action) bool {
				s, ok := a.(*sentinel.Send)
				return ok && s.Cmds[0][0] == "PUBLISH"
			})
		}, nil), 0},
		{"the own vote counts before its write", "I-3", plant(func(p *planted) { p.early = true }, nil), 35},
		{"the epochs are forgotten at a start", "I-4", plant(nil, func(s *conf.State) {
			s.CurrentEpoch = 0
			for i, m := range s.Masters {
				c := *m
				c.LeaderEpoch, c.ConfigEpoch, c.HasLeaderEpoch = 0, 0, true
				s.Masters[i] = &c
			}
		}), 0},
		{"every peer is said to agree", "I-6", plant(func(p *planted) {
			p.input = yes
		}, nil), 0},
		{"a promotion is believed without proof", "I-7", plant(unproven, nil), 0},
		{"nobody ever starts a failover", "I-11", plant(func(p *planted) {
			p.input = func(in sentinel.Input) sentinel.Input {
				if a, ok := in.(sentinel.Answer); ok && a.Value.Kind == resp.Array && len(a.Value.Elems) == 3 {
					a.Value.Elems = []resp.Value{resp.Int(0), resp.Str("*"), resp.Int(0)}
					return a
				}
				return in
			}
		}, nil), 28},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for seed := max(tc.from, 1); seed <= 60; seed++ {
				p := NewPlan(seed)
				p.Originals, p.Core = 0, tc.make
				for _, v := range p.Play(nil).Violations {
					if strings.Contains(v, " "+tc.want+": ") {
						t.Logf("seed %d", seed)
						return
					}
				}
			}
			require.Fail(t, fmt.Sprintf("%s has not been found by %s", tc.name, tc.want))
		})
	}
}

// yes turns every answer of a peer into agreement.
func yes(in sentinel.Input) sentinel.Input {
	a, ok := in.(sentinel.Answer)
	if !ok || a.Value.Kind != resp.Array || len(a.Value.Elems) != 3 || a.Value.Elems[0].Kind != resp.Integer {
		return in
	}
	a.Value.Elems = []resp.Value{resp.Int(1), a.Value.Elems[1], a.Value.Elems[2]}
	return a
}

// BenchmarkWorld tells how many simulated seconds pass in one: three Sentinels,
// three masters with two replicas each, all in order.
//
// Budget: 1000 simulated seconds per second.
func BenchmarkWorld(b *testing.B) {
	p := &Plan{Seed: 1, Sentinels: 3, Masters: 3, Replicas: 2, Quorum: 2, DownAfter: 30 * time.Second, Timeout: 180 * time.Second, Parallel: 1}
	w := p.Make()
	w.Run(discovery)
	b.ReportAllocs()
	for b.Loop() {
		w.Run(time.Second)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "simulated-s/s")
}

// Two Sentinels that both see their master down and do not count each other's
// opinion, since they know it by different addresses, do not ask each other as
// fast as they can.
//
// Rule: E-1, E-2, E-4.
func TestNoStormOfAsks(t *testing.T) {
	w := New(Options{Seed: 1})
	asks := 0
	for k, ip := range []string{"10.0.0.1", "10.0.0.2"} {
		w.AddInstance(InstanceOptions{Addr: Addr{ip, 6379}, Group: "m"})
		other := 1 - k
		w.AddSentinel(SentinelOptions{
			Name: fmt.Sprintf("s%d", k+1), Addr: Addr{fmt.Sprintf("10.0.9.%d", k+1), 26379},
			Boot: conf.State{Port: 26379, MyID: strings.Repeat(fmt.Sprint(k+1), 40), Masters: []*conf.Master{{
				Name: "m", Addr: conf.Endpoint{Host: ip, Port: 6379}, Quorum: 2, DownAfter: time.Second, FailoverTimeout: 10 * time.Second, ParallelSyncs: 1,
				Sentinels: []conf.Peer{{Addr: conf.Endpoint{Host: fmt.Sprintf("10.0.9.%d", other+1), Port: 26379}, RunID: strings.Repeat(fmt.Sprint(other+1), 40)}},
			}}},
			Make: plant(func(p *planted) {
				p.input = func(in sentinel.Input) sentinel.Input {
					if q, ok := in.(sentinel.Request); ok && len(q.Args) == 6 {
						asks++
					}
					return in
				}
			}, nil),
		})
	}
	w.Run(5 * time.Second)
	for _, i := range w.Instances() {
		i.Crash()
		w.Run(300 * time.Millisecond)
	}
	w.Run(10 * time.Second)
	require.Greater(t, asks, 10, "they do ask")
	require.Less(t, asks, 100)
}
