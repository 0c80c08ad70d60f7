package conf

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// seed adds all recorded configurations.
func seed(f *testing.F) {
	for _, c := range readOracle(f).Cases {
		f.Add(c.In)
	}
	f.Add(untidyFile)
	f.Add(tidiedFile)
	f.Add("include /etc/redis/sentinel.conf")
	f.Add("sentinel state-config-file s\n#gosentinel strict-durability yes")
}

// FuzzParse: no text crashes or hangs Load, and an error names one of its lines.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := load(text)
		require.NotNil(t, cfg)
		if fatal, ok := err.(*FatalError); ok {
			require.NotEmpty(t, fatal.Message)
			require.LessOrEqual(t, fatal.Line, strings.Count(text, "\n")*maxIncludes+2)
		}
	})
}

// FuzzRewrite: what loads loads again after a rewrite, with the same meaning,
// and the second rewrite is the last that changes anything.
//
// Rule: C-93, C-102.
func FuzzRewrite(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := load(text)
		if err != nil || strings.Contains(lower(text), "include") || strings.Contains(lower(text), "rename-command") {
			t.Skip() // what an include or our own commands give is appended again (C-30)
		}
		cfg.State.MyID = strings.Repeat("a", runIDLen)
		first := Rewrite([]byte(text), cfg.Values, []string{defaultUser}, cfg.State)
		host := newMemHost(map[string]string{mainFile: string(first)})
		host.cwd = cfg.Settings.Dir
		again, err := Load(host, Checks{Command: hasCommand}, Input{File: mainFile})
		require.NoError(t, err, string(first))
		if cfg.State.StateFile == "" {
			want := cfg.State
			want.Masters = withLeaderEpochs(want.Masters)
			require.Equal(t, want, again.State)
			for i, v := range cfg.Values.all() {
				require.True(t, v.equal(again.Values.all()[i]), table[i].name)
			}
		}
		settled := first
		rounds := 1
		if strings.Contains(lower(text), "client-output-buffer-limit") {
			rounds = 3 // the lines of classes at their default find slots later
		}
		for range rounds {
			settled = Rewrite(settled, again.Values, []string{defaultUser}, again.State)
		}
		once := Rewrite(settled, again.Values, []string{defaultUser}, again.State)
		require.Equal(t, string(settled), string(once))
	})
}

// withLeaderEpochs tells of each master that its file has a leader epoch, which
// a rewrite always writes.
func withLeaderEpochs(masters []*Master) []*Master {
	var out []*Master
	for _, m := range masters {
		c := *m
		c.HasLeaderEpoch = true
		out = append(out, &c)
	}
	return out
}

// manyMasters is a state with n masters of two replicas and two peers each.
func manyMasters(n int) State {
	s := State{MyID: strings.Repeat("a", runIDLen), DenyScriptsReconfig: true}
	for i := range n {
		s.Masters = append(s.Masters, &Master{
			Name:            fmt.Sprintf("master-%d", i),
			Addr:            Endpoint{"10.0.0.1", i},
			Quorum:          2,
			DownAfter:       5 * DefaultDownAfter,
			FailoverTimeout: DefaultFailoverTimeout,
			ParallelSyncs:   DefaultParallelSyncs,
			Replicas:        []Endpoint{{"10.0.0.2", i}, {"10.0.0.3", i}},
			Sentinels:       []Peer{{Endpoint{"10.0.0.4", 26379}, strings.Repeat("b", runIDLen)}, {Endpoint{"10.0.0.5", 26379}, strings.Repeat("c", runIDLen)}},
		})
	}
	return s
}

// Budget: 25 ms for 3000 masters, linear in their number (2026-11, 2 cores of a
// shared virtual machine).
func BenchmarkRewrite(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000, 3000} {
		b.Run(fmt.Sprintf("masters=%d", n), func(b *testing.B) {
			s := manyMasters(n)
			old := Rewrite(nil, Values{}, nil, s)
			b.SetBytes(int64(len(old)))
			b.ReportAllocs()
			for b.Loop() {
				Rewrite(old, Values{}, nil, s)
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1, 100, 3000} {
		b.Run(fmt.Sprintf("masters=%d", n), func(b *testing.B) {
			text := string(Rewrite(nil, Values{}, nil, manyMasters(n)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := load(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
