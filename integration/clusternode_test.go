package integration

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// redisCluster starts a Redis Cluster of three masters with a replica each: the
// replica of redis N is redis N+3.
func redisCluster(t *testing.T, bed *testbed.Bed) []*testbed.Redis {
	t.Helper()
	var nodes []*testbed.Redis
	var ids []string
	var buses []int
	for i := range 6 {
		buses = append(buses, bed.Port())
		r, err := bed.Redis(fmt.Sprintf("redis%d", i+1), testbed.RedisOptions{Lines: []string{
			"cluster-enabled yes", "cluster-node-timeout 1000", fmt.Sprintf("cluster-port %d", buses[i]),
		}})
		require.NoError(t, err)
		nodes = append(nodes, r)
		id, err := r.Do("CLUSTER", "MYID")
		require.NoError(t, err)
		ids = append(ids, id.Str)
	}
	do := func(r *testbed.Redis, args ...string) {
		t.Helper()
		_, err := r.Do(args...)
		require.NoError(t, err, "%s", args)
	}
	for i, r := range nodes {
		do(r, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		if i < 3 {
			do(r, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*5461), strconv.Itoa(min(i*5461+5460, 16383)))
		}
		if i > 0 {
			do(nodes[0], "CLUSTER", "MEET", r.Host, strconv.Itoa(r.Port), strconv.Itoa(buses[i]))
		}
	}
	do(nodes[2], "CLUSTER", "ADDSLOTS", "16383")
	for i := range 3 {
		fixture.Until(t, 60*time.Second, func() error {
			_, err := nodes[i+3].Do("CLUSTER", "REPLICATE", ids[i])
			return err
		})
	}
	for i, r := range nodes {
		fixture.Until(t, 60*time.Second, func() error {
			v, err := r.Do("CLUSTER", "INFO")
			if err == nil && !(strings.Contains(v.Str, "cluster_state:ok") && strings.Contains(v.Str, "cluster_known_nodes:6")) {
				err = fmt.Errorf("%s: %s", r.Name, v.Str)
			}
			if err == nil && i >= 3 {
				err = r.Follows(nodes[i-3].Addr())
			}
			return err
		})
	}
	return nodes
}

// Nodes of a Redis Cluster that are monitored as if each were a master of its
// own: when one dies, the cluster promotes its replica, and both kinds of
// Sentinels end on that. Ours sends the nodes nothing that they would refuse.
// It follows a CLUSTER FAILOVER by hand, too.
//
// Rule: E-52, E-82, E-83.
func TestClusterNodesAreFollowed(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			if kind == testbed.Original {
				fixture.NeedsOriginal(t)
			}
			bed := fixture.Bed(t)
			nodes := redisCluster(t, bed)
			var lines []string
			for i, r := range nodes[:3] {
				lines = append(lines, fmt.Sprintf("sentinel monitor shard%d %s %d 2", i, r.Host, r.Port),
					fmt.Sprintf("sentinel down-after-milliseconds shard%d 1000", i),
					fmt.Sprintf("sentinel failover-timeout shard%d 20000", i))
			}
			var sentinels []*testbed.Sentinel
			for i := range 3 {
				s, err := bed.Sentinel(fmt.Sprintf("sentinel%d", i+1), testbed.SentinelOptions{Kind: kind, Lines: lines})
				require.NoError(t, err)
				sentinels = append(sentinels, s)
			}
			all := func(what func(s *testbed.Sentinel) error) {
				t.Helper()
				for _, s := range sentinels {
					fixture.Until(t, 60*time.Second, func() error { return what(s) })
				}
			}
			all(func(s *testbed.Sentinel) error { return s.Sees("shard0", 1, 2) })
			nodes[0].Kill()
			all(func(s *testbed.Sentinel) error { return s.Names("shard0", nodes[3].Addr()) })
			require.NoError(t, nodes[3].IsMaster())
			require.NoError(t, nodes[0].Up())
			fixture.Until(t, 60*time.Second, func() error { return nodes[0].Follows(nodes[3].Addr()) })
			all(func(s *testbed.Sentinel) error { return s.Sees("shard0", 1, 2) })
			if kind == testbed.Original {
				return
			}

			fixture.Until(t, 60*time.Second, func() error {
				err := nodes[3].Follows(nodes[0].Addr())
				if err != nil {
					_, _ = nodes[0].Do("CLUSTER", "FAILOVER") // refused while it is not linked, and when it is done
				}
				return err
			})
			all(func(s *testbed.Sentinel) error { return s.Names("shard0", nodes[0].Addr()) })
			for _, r := range nodes {
				v, err := r.Do("INFO", "commandstats")
				require.NoError(t, err)
				require.NotContains(t, v.Str, "cmdstat_slaveof")
				require.NotContains(t, v.Str, "cmdstat_multi")
				require.NotContains(t, v.Str, "cmdstat_config")
			}
			require.Contains(t, sentinels[0].Tail(1<<20), "is a node of a Redis Cluster: followed, not failed over")
		})
	}
}
