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

// One quorum of both kinds, each kind in the majority once, each leading once:
// they find each other, vote for each other, learn the switch from each other,
// and then rest.
//
// Rule: B-1201, B-1202, B-1203, B-1205, B-411, B-432, B-610.
func TestMixedQuorum(t *testing.T) {
	t.Parallel()
	const o, x = testbed.Ours, testbed.Original
	for _, kinds := range [][]testbed.Kind{{o, x, x}, {o, o, x}} {
		for _, leader := range []testbed.Kind{o, x} {
			t.Run(fmt.Sprintf("%v %v %v led by %v", kinds[0], kinds[1], kinds[2], leader), func(t *testing.T) {
				t.Parallel()
				fixture.NeedsOriginal(t)
				// Originals take up to 1 s to link to a new master (B-733),
				// so with 1 s they would find it down.
				c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{Kinds: kinds, DownAfter: 2 * time.Second})
				mixedCrash(t, c, leader)
				mixedManual(t, c, leader)
			})
		}
	}
}

// mixedCrash kills the master in the sight of one Sentinel of the leading
// kind, whose own opinion is enough; the others still think it is up, and
// vote.
func mixedCrash(t *testing.T, c *testbed.Cluster, kind testbed.Kind) {
	leader := ofKind(c, kind)
	for _, s := range c.Sentinels {
		option, value := "down-after-milliseconds", "8000"
		if s == leader {
			option, value = "quorum", "1"
		}
		set(t, s, c.Name, option, value)
	}
	old := must(c.Master())
	begin := time.Now()
	old.Kill()
	now, err := c.Agree(old, 15*time.Second)
	require.NoError(t, err)
	require.Equal(t, c.Best(old).Name, now.Name)

	elected := c.Events.Named(begin, "", "+elected-leader")
	require.Len(t, elected, 1)
	require.Equal(t, leader.Name, elected[0].Node)
	id, err := leader.Do("SENTINEL", "MYID")
	require.NoError(t, err)
	epoch := stateOf(t, leader, c.Name)["config-epoch"]
	for _, s := range c.Sentinels {
		votes := c.Events.Named(begin, s.Name, "+vote-for-leader")
		require.Len(t, votes, 1, s.Name)
		require.Equal(t, id.Str+" "+epoch, votes[0].Payload, s.Name)
	}
	requireLearnt(t, c, begin, leader)
	require.NoError(t, old.Up())
	require.NoError(t, c.Settle(30*time.Second))
	for _, s := range c.Sentinels {
		set(t, s, c.Name, "down-after-milliseconds", "2000")
		set(t, s, c.Name, "quorum", "2")
	}
	rests(t, c, begin, now)
}

// requireLearnt checks that every Sentinel but the leader has learnt the switch
// from another, and one of the other kind from one of the leader's kind.
func requireLearnt(t *testing.T, c *testbed.Cluster, begin time.Time, leader *testbed.Sentinel) {
	t.Helper()
	kinds := make(map[string]testbed.Kind) // by run id
	for _, s := range c.Sentinels {
		id, err := s.Do("SENTINEL", "MYID")
		require.NoError(t, err)
		kinds[id.Str] = s.Kind
	}
	across := 0
	for _, s := range c.Sentinels {
		if s == leader {
			continue
		}
		learnt := c.Events.Named(begin, s.Name, "+config-update-from")
		require.Len(t, learnt, 1, s.Name)
		words := strings.Fields(learnt[0].Payload) // sentinel <run id> ...
		require.Greater(t, len(words), 1, s.Name)
		require.Contains(t, kinds, words[1], s.Name)
		if s.Kind != leader.Kind && kinds[words[1]] == leader.Kind {
			across++
		}
	}
	require.NotZero(t, across)
}

// mixedManual has a Sentinel of the kind fail over by command.
func mixedManual(t *testing.T, c *testbed.Cluster, kind testbed.Kind) {
	old := must(c.Master())
	begin := time.Now()
	v, err := ofKind(c, kind).Do("SENTINEL", "FAILOVER", c.Name)
	require.NoError(t, err)
	require.Equal(t, "OK", v.Str)
	now, err := c.Agree(old, 15*time.Second)
	require.NoError(t, err)
	require.NoError(t, c.Settle(30*time.Second))
	rests(t, c, begin, now)
}

// rests checks that after one switch to m everything stays as it is while
// every Sentinel announces it five times more.
func rests(t *testing.T, c *testbed.Cluster, begin time.Time, m *testbed.Redis) {
	t.Helper()
	require.NoError(t, testbed.Announced(m.Addr(), "", m.Addr(), len(c.Sentinels), 5, 30*time.Second))
	require.Same(t, m, must(c.Master()))
	require.NoError(t, c.Settle(5*time.Second))
	for _, s := range c.Sentinels {
		require.Len(t, c.Events.Named(begin, s.Name, "+switch-master"), 1, s.Name)
	}
	require.Len(t, c.Events.Named(begin, "", "+promoted-slave"), 1)
}

// ofKind is the first Sentinel of a kind.
func ofKind(c *testbed.Cluster, kind testbed.Kind) *testbed.Sentinel {
	for _, s := range c.Sentinels {
		if s.Kind == kind {
			return s
		}
	}
	return nil
}

func set(t *testing.T, s *testbed.Sentinel, master, option, value string) {
	t.Helper()
	_, err := s.Do("SENTINEL", "SET", master, option, value)
	require.NoError(t, err)
}

func stateOf(t *testing.T, s *testbed.Sentinel, master string) map[string]string {
	t.Helper()
	m, err := s.State(master)
	require.NoError(t, err)
	return m
}
