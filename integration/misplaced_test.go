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

// What the Sentinels watch as a master is a healthy replica: they were given the
// wrong address, or somebody has switched by hand. After B-311's wait they settle
// on the master that it follows, by an election and without promoting anybody,
// with an original among them too. Originals alone send clients to the replica
// for as long as anybody watches.
//
// Rule: E-81, B-311.
func TestAMasterThatIsAReplicaLeadsToItsMaster(t *testing.T) {
	t.Parallel()
	const o, x = testbed.Ours, testbed.Original
	for _, kinds := range [][]testbed.Kind{{o, o, o}, {o, o, x}, {x, x, x}} {
		t.Run(fmt.Sprint(kinds), func(t *testing.T) {
			t.Parallel()
			fixture.NeedsOriginal(t)
			misplaced(t, kinds)
		})
	}
}

func misplaced(t *testing.T, kinds []testbed.Kind) {
	bed := fixture.Bed(t)
	master := must(bed.Redis("master", testbed.RedisOptions{}))
	seed := must(bed.Redis("seed", testbed.RedisOptions{Master: master}))
	fixture.Until(t, 20*time.Second, func() error { return seed.Follows(master.Addr()) })
	runID := redisID(t, master)
	lines := []string{
		fmt.Sprintf("sentinel monitor mm %s %d 2", seed.Host, seed.Port),
		"sentinel down-after-milliseconds mm 1000", "sentinel failover-timeout mm 2000",
	}
	var sentinels []*testbed.Sentinel
	var events testbed.Events
	begin := time.Now()
	for i, kind := range kinds {
		s := must(bed.Sentinel(fmt.Sprintf("sentinel%d", i+1), testbed.SentinelOptions{Kind: kind, Lines: lines}))
		_, err := s.Do("SENTINEL", "DEBUG", "info-period", "500")
		require.NoError(t, err)
		require.NoError(t, events.Follow(s))
		sentinels = append(sentinels, s)
	}
	t.Cleanup(func() {
		events.Close()
		if t.Failed() {
			t.Log("\n" + events.Text(begin))
		}
	})
	named := func(addr string) error {
		for _, s := range sentinels {
			if err := s.Names("mm", addr); err != nil {
				return err
			}
		}
		return nil
	}
	if kinds[0] == testbed.Original {
		// Three attempts have come to nothing, and nothing has changed.
		fixture.Until(t, 90*time.Second, func() error {
			if n := len(events.Named(begin, "", "-failover-abort-no-good-slave")); n < 3 {
				return fmt.Errorf("%d attempts", n)
			}
			return nil
		})
		require.NoError(t, named(seed.Addr()))
		return
	}
	fixture.Until(t, 90*time.Second, func() error { return named(master.Addr()) })
	require.NoError(t, seed.Follows(master.Addr()))
	require.NoError(t, master.IsMaster())
	require.Equal(t, runID, redisID(t, master))
	require.Empty(t, events.Named(begin, "", "+promoted-slave"), "nobody is promoted")
	v, err := seed.Do("INFO", "commandstats")
	require.NoError(t, err)
	require.NotContains(t, v.Str, "cmdstat_slaveof", "and nobody was told anything")
	logs := ""
	for _, s := range sentinels {
		logs += s.Tail(1 << 20)
	}
	require.Contains(t, logs, "has been a replica of "+master.Addr())
	fixture.Until(t, 30*time.Second, func() error {
		for _, s := range sentinels {
			if err := s.Sees("mm", 1, len(kinds)-1); err != nil {
				return err
			}
		}
		return nil
	})
}

func redisID(t *testing.T, r *testbed.Redis) string {
	t.Helper()
	v, err := r.Do("INFO", "server")
	require.NoError(t, err)
	return strings.TrimSpace(testbed.InfoFields(v.Str)["run_id"])
}
