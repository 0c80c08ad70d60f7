package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// Whoever writes `sentinel myid` himself may write any 40 characters, which are
// then the id of a Sentinel for everybody: it is met, asked, voted for, and
// leads or follows a failover, in any mix with originals, and its id stands in
// the files of the others, which load.
//
// Rule: B-422, R-19, C-52.
func TestIDsThatAreNotHexadecimal(t *testing.T) {
	t.Parallel()
	const o, x = testbed.Ours, testbed.Original
	for _, kinds := range [][]testbed.Kind{{o, x, x}, {x, o, o}, {o, o, o}} {
		t.Run(fmt.Sprint(kinds), func(t *testing.T) {
			t.Parallel()
			fixture.NeedsOriginal(t)
			c := namedCluster(t, fixture.Bed(t), kinds)
			for _, s := range c.Sentinels {
				fixture.Until(t, 20*time.Second, func() error { return s.Sees(c.Name, 1, 2) })
			}
			// It leads: its opinion alone is enough, the others see no failure yet.
			for i, s := range c.Sentinels {
				option, value := "down-after-milliseconds", "8000"
				if i == 0 {
					option, value = "quorum", "1"
				}
				set(t, s, c.Name, option, value)
			}
			old := c.Redis[0]
			begin := time.Now()
			old.Kill()
			_, err := c.Agree(old, 15*time.Second)
			require.NoError(t, err)
			elected := c.Events.Named(begin, "", "+elected-leader")
			require.Len(t, elected, 1)
			require.Equal(t, c.Sentinels[0].Name, elected[0].Node)

			// It is known again after a restart.
			for _, s := range c.Sentinels {
				lines := strings.Join(sentinelLines(t, s), "\n")
				for i, peer := range c.Sentinels {
					if peer != s {
						require.Contains(t, lines, " "+nodeID(i))
					}
				}
			}
			c.Sentinels[1].Kill()
			require.NoError(t, c.Sentinels[1].Up())
			require.Len(t, know(t, c.Sentinels[1], c.Name).Peers, 2)
		})
	}
}

// nodeID is an id as administrators make them.
func nodeID(i int) string { return fmt.Sprintf("node-%c-", 'a'+i) + strings.Repeat("~", 33) }

// namedCluster has a master, a replica, and Sentinels with ids of their own.
func namedCluster(t *testing.T, bed *testbed.Bed, kinds []testbed.Kind) *testbed.Cluster {
	t.Helper()
	c := &testbed.Cluster{Name: "mm", Events: &testbed.Events{}}
	t.Cleanup(c.Events.Close)
	master, err := bed.Redis("redis1", testbed.RedisOptions{})
	require.NoError(t, err)
	replica, err := bed.Redis("redis2", testbed.RedisOptions{Master: master})
	require.NoError(t, err)
	c.Redis = []*testbed.Redis{master, replica}
	for i, kind := range kinds {
		s, err := bed.Sentinel(fmt.Sprintf("sentinel%d", i+1), testbed.SentinelOptions{Kind: kind, Lines: []string{
			"sentinel myid " + nodeID(i),
			"sentinel monitor mm 127.0.0.1 " + portOf(master) + " 2",
			"sentinel down-after-milliseconds mm 2000",
		}})
		require.NoError(t, err)
		c.Sentinels = append(c.Sentinels, s)
		require.NoError(t, c.Events.Follow(s))
	}
	return c
}
