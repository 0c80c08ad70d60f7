package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
)

// noReplica is a world of Sentinels, of which so many are originals, whose master
// dies and whose only replica must not be promoted. tries and events count from
// then on.
func noReplica(sentinels, originals int) (w *World, tries, events *int) {
	w = New(Options{Seed: 1})
	at := Addr{"10.0.0.1", 6379}
	w.AddInstance(InstanceOptions{Addr: at, Group: "m"})
	w.AddInstance(InstanceOptions{Addr: Addr{"10.0.0.2", 6379}, Group: "m", Master: at, Priority: -1})
	for k := range sentinels {
		o := SentinelOptions{Name: fmt.Sprintf("s%d", k+1), Addr: Addr{fmt.Sprintf("10.0.9.%d", k+1), 26379},
			Boot: conf.State{Port: 26379, MyID: w.hex40(), DenyScriptsReconfig: true, Masters: []*conf.Master{{
				Name: "m", Addr: conf.Endpoint{Host: at.IP, Port: at.Port}, Quorum: sentinels/2 + 1,
				DownAfter: time.Second, FailoverTimeout: noiseTimeout, ParallelSyncs: 1,
			}}}}
		if k < originals {
			o.Make, o.Original = NewOriginal, true
		}
		w.AddSentinel(o)
	}
	w.Run(discovery)
	tries, events = new(int), new(int)
	w.OnEvent = func(r Record) {
		if r.Event.Name == "+try-failover" {
			*tries++
		}
		if !r.Event.LogOnly {
			*events++
		}
	}
	w.Instance(at).Crash()
	return w, tries, events
}

const noiseTimeout = 20 * time.Second

// With no replica to promote, ours try no more often than originals, and make no
// more events: each is a line in the log and a script. All five tried in turn.
//
// Rule: E-58.
func TestNoMoreAttemptsThanOriginalsWithoutAReplica(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 5, 7} {
		original, theirTries, theirEvents := noReplica(n, n)
		original.Run(10 * 2 * noiseTimeout)
		for originals := range n {
			ours, tries, events := noReplica(n, originals)
			ours.Run(10 * 2 * noiseTimeout)
			t.Logf("%d Sentinels, %d originals: %d attempts, %d events; all originals %d, %d", n, originals, *tries, *events, *theirTries, *theirEvents)
			require.Positive(t, *tries)
			require.LessOrEqual(t, *tries, *theirTries)
			require.LessOrEqual(t, *events, *theirEvents)
			require.Empty(t, ours.Violations())
		}
	}
}

// A replica that becomes eligible is promoted at once, whoever has tried.
//
// Rule: E-58.
func TestReplicaThatBecomesEligibleEndsTheWait(t *testing.T) {
	for _, after := range []time.Duration{5 * time.Second, 30 * time.Second, 3 * time.Minute} {
		w, _, _ := noReplica(5, 0)
		w.Run(after)
		r := w.Instance(Addr{"10.0.0.2", 6379})
		r.SetPriority(100)
		require.True(t, w.RunUntil(3*time.Second, r.IsMaster), "after %v", after)
	}
}
