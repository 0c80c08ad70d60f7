package integration

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// Three originals are replaced by ours one by one, on the same sentinel.conf,
// and then back; in each state a failover works, and nothing is forgotten.
//
// Rule: B-1205, B-1102, B-601, S-5.
func TestRollingReplacementAndReturn(t *testing.T) {
	t.Parallel()
	fixture.NeedsOriginal(t)
	c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{
		Kinds:     []testbed.Kind{testbed.Original, testbed.Original, testbed.Original},
		DownAfter: 2 * time.Second, // see TestMixedQuorum
	})
	failsOver(t, c, 0)
	step := 1
	for _, kind := range []testbed.Kind{testbed.Ours, testbed.Original} {
		for _, s := range c.Sentinels {
			replace(t, c, s, kind)
			failsOver(t, c, step)
			step++
		}
	}
}

// replace ends a Sentinel and starts the other kind on its file.
func replace(t *testing.T, c *testbed.Cluster, s *testbed.Sentinel, kind testbed.Kind) {
	t.Helper()
	before, epoch := know(t, s, c.Name), currentEpoch(t, s)
	require.True(t, s.Stop(10*time.Second), "%s did not end on SIGTERM", s.Name)
	s.Kind = kind
	require.NoError(t, s.Up())
	require.Equal(t, before, know(t, s, c.Name), "%s, now %v", s.Name, kind)
	require.GreaterOrEqual(t, currentEpoch(t, s), epoch, "%s, now %v", s.Name, kind)
	require.NoError(t, c.Events.Follow(s))
	require.NoError(t, c.Settle(30*time.Second))
}

// failsOver kills the master, or has a Sentinel fail over by command, in turn.
func failsOver(t *testing.T, c *testbed.Cluster, step int) {
	t.Helper()
	old := must(c.Master())
	if step%2 == 0 {
		old.Kill()
	} else {
		v, err := c.Sentinels[step%len(c.Sentinels)].Do("SENTINEL", "FAILOVER", c.Name)
		require.NoError(t, err)
		require.Equal(t, "OK", v.Str)
	}
	now, err := c.Agree(old, 20*time.Second)
	require.NoError(t, err, "step %d", step)
	require.Equal(t, c.Best(old).Name, now.Name, "step %d", step)
	if !old.Running() {
		require.NoError(t, old.Up())
	}
	require.NoError(t, c.Settle(40*time.Second), "step %d", step)
	require.Same(t, now, must(c.Master()), "step %d", step)
}

// currentEpoch is the epoch in a Sentinel's file.
func currentEpoch(t *testing.T, s *testbed.Sentinel) uint64 {
	t.Helper()
	text, err := s.Line("sentinel current-epoch")
	require.NoError(t, err)
	epoch, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err)
	return epoch
}
