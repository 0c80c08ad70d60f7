package integration

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// rounds is how often each fault is repeated.
const rounds = 10

// Three Sentinels, one master, two replicas: whatever is done to the master,
// ten times over, the right replica takes over, every Sentinel agrees, every
// replica follows, and the old master comes back as a replica.
//
// Rule: B-711, B-712, B-720, B-730 to B-732.
func TestThreeSentinelsFailOver(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		hit  func(t *testing.T, c *testbed.Cluster, m *testbed.Redis)
		heal func(t *testing.T, m *testbed.Redis)
	}{
		{"kill -9", kill, restart},
		{"SIGSTOP", freeze, thaw},
		{"SENTINEL FAILOVER", command, func(*testing.T, *testbed.Redis) {}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{})
			for i := range rounds {
				begin := time.Now()
				old, err := c.Master()
				require.NoError(t, err)
				want := c.Best(old)
				tc.hit(t, c, old)
				now, err := c.Agree(old, 20*time.Second)
				require.NoError(t, err, "round %d", i)
				require.Equal(t, want.Name, now.Name, "round %d: which replica was promoted", i)
				tc.heal(t, old)
				require.NoError(t, c.Settle(30*time.Second), "round %d", i)
				require.Same(t, now, must(c.Master()), "round %d: the master has changed again", i)
				require.Len(t, c.Events.Named(begin, "", "+promoted-slave"), 1, "round %d", i)
				for _, s := range c.Sentinels {
					require.Len(t, c.Events.Named(begin, s.Name, "+switch-master"), 1, "round %d", i)
				}
			}
			loadInOriginal(t, c)
		})
	}
}

func kill(_ *testing.T, _ *testbed.Cluster, m *testbed.Redis) { m.Kill() }

func restart(t *testing.T, m *testbed.Redis) { require.NoError(t, m.Up()) }

func freeze(_ *testing.T, _ *testbed.Cluster, m *testbed.Redis) { m.Signal(syscall.SIGSTOP) }

func thaw(_ *testing.T, m *testbed.Redis) { m.Signal(syscall.SIGCONT) }

// command asks the Sentinels in turn for a failover.
func command(t *testing.T, c *testbed.Cluster, m *testbed.Redis) {
	s := c.Sentinels[m.Port%len(c.Sentinels)]
	v, err := s.Do("SENTINEL", "FAILOVER", c.Name)
	require.NoError(t, err)
	require.Equal(t, "OK", v.Str)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
