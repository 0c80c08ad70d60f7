package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Writes that a failover loses when all is in order count, unless there was cause
// for it before: it had begun, though its SLAVEOF NO ONE may arrive later, the
// master had fallen silent, or an original sees it down since before.
//
// Rule: I-11, B-703, B-740, B-111, B-116, B-303.
func TestWritesLostInOrder(t *testing.T) {
	failover := func(w *World) { w.nodes[0].Command(nil, "SENTINEL", "FAILOVER", "m1") }
	begun := func(w *World) {
		failover(w)
		w.Run(10 * time.Millisecond) // it is told when it is written
	}
	silent := func(w *World) {
		for _, n := range w.nodes {
			w.Cut(memberAddr(0, 0).IP, n.host.ip)
		}
	}
	blind := func(w *World) {
		m := w.check.of(w.nodes[0], "m1")
		m.down, m.downAt = memberAddr(0, 0), w.now
	}
	soon := func(do ...func(w *World)) func(w *World) {
		return func(w *World) {
			w.At(w.now+1200*time.Millisecond, func() { // an original pings once a second
				for _, f := range do {
					f(w)
				}
			})
		}
	}
	sent := func(w *World) {
		failover(w)
		require.True(t, w.RunUntil(time.Second, func() bool { return w.check.of(w.nodes[0], "m1").promoteAt > 0 }))
		require.False(t, w.Instance(memberAddr(0, 1)).IsMaster(), "it is on its way")
	}
	for _, tc := range []struct {
		name            string
		before          func(w *World) // before the writes that count
		ours, originals bool           // whether theirs are told
	}{
		{"nothing happens", func(*World) {}, false, false},
		{"a failover begins", soon(failover), true, true},
		{"a failover had begun", begun, false, false},
		{"a promotion is on its way", sent, false, false},
		{"a failover begins, seen down since before", func(w *World) { blind(w); soon(failover)(w) }, true, false},
		{"a failover begins, seen down since then", soon(blind, failover), true, true},
		{"silence since before", silent, false, false},
		{"silence since then", soon(silent), true, true},
	} {
		for originals, want := range map[int]bool{0: tc.ours, 3: tc.originals} {
			p := &Plan{
				Seed: 1, Sentinels: 3, Originals: originals, Masters: 1, Replicas: 1, Quorum: 2, DownAfter: 5 * time.Second, Timeout: 6 * time.Second,
				Parallel: 1, Clients: true, Options: Options{Seed: 1, Latency: 25 * time.Millisecond, Fsync: time.Millisecond},
			}
			w := p.Make()
			w.Run(discovery)
			tc.before(w)
			w.keepWrites(10 * time.Second)
			if want {
				require.NotEmpty(t, w.Violations(), "%s, %d originals", tc.name, originals)
				require.Contains(t, w.Violations()[0], "I-11: lost a write that ", "%s, %d originals", tc.name, originals)
			} else {
				require.Empty(t, w.Violations(), "%s, %d originals", tc.name, originals)
			}
		}
	}
}

// What a Sentinel knows of a peer's kind is forgotten with the peer, unless
// another master shares the link, and is learnt anew on the next link.
//
// Rule: E-5, B-104, B-122.
func TestKindsAreForgottenWithPeers(t *testing.T) {
	for masters, want := range map[int]int{1: 0, 2: 1} {
		p := &Plan{
			Seed: 1, Sentinels: 2, Masters: masters, Quorum: 2, DownAfter: 5 * time.Second, Timeout: 6 * time.Second,
			Parallel: 1, Options: Options{Seed: 1, Latency: time.Millisecond},
		}
		w := p.Make()
		w.Run(discovery)
		n := w.nodes[0]
		require.Len(t, w.check.node(n).ours, 1)
		n.Command(nil, "SENTINEL", "RESET", "m1")
		require.Len(t, w.check.node(n).ours, want, "%d masters", masters)
		w.Run(5 * time.Second)
		require.Len(t, w.check.node(n).ours, 1, "%d masters", masters)
	}
}
