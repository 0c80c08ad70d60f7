package integration

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// trio is a master with two replicas, watched by one Sentinel.
type trio struct {
	redis    []*testbed.Redis
	sentinel *testbed.Sentinel
	events   *testbed.Events
	begin    time.Time
}

// newTrio starts one: the instances with the given lines, the Sentinel with
// further ones of its own.
func newTrio(t *testing.T, kind testbed.Kind, redisLines, sentinelLines []string) *trio {
	t.Helper()
	if kind == testbed.Original {
		fixture.NeedsOriginal(t)
	}
	bed := fixture.Bed(t)
	n := &trio{events: &testbed.Events{}, begin: time.Now()}
	for i := range 3 {
		o := testbed.RedisOptions{Lines: append([]string{fmt.Sprintf("replica-priority %d", 10*(i+1))}, redisLines...)}
		if i > 0 {
			o.Master = n.redis[0]
		}
		r, err := bed.Redis(fmt.Sprintf("redis%d", i+1), o)
		require.NoError(t, err)
		n.redis = append(n.redis, r)
	}
	s, err := bed.Sentinel("sentinel", testbed.SentinelOptions{Kind: kind, Lines: append([]string{
		fmt.Sprintf("sentinel monitor mm %s %d 1", n.redis[0].Host, n.redis[0].Port),
		"sentinel down-after-milliseconds mm 1000",
		"sentinel failover-timeout mm 4000",
	}, sentinelLines...)})
	require.NoError(t, err)
	n.sentinel = s
	require.NoError(t, n.events.Follow(s))
	t.Cleanup(func() {
		n.events.Close()
		if t.Failed() {
			t.Log("\n" + n.events.Text(n.begin))
		}
	})
	fixture.Until(t, 30*time.Second, func() error { return s.Sees("mm", 2, 0) })
	return n
}

// heard waits for an event since a moment.
func (n *trio) heard(t *testing.T, since time.Time, name string) {
	t.Helper()
	fixture.Until(t, 30*time.Second, func() error {
		if len(n.events.Named(since, "", name)) == 0 {
			return fmt.Errorf("no %s", name)
		}
		return nil
	})
}

// inOrder waits until redis2 is the master of both others.
func (n *trio) inOrder(t *testing.T) {
	t.Helper()
	fixture.Until(t, 30*time.Second, func() error {
		if err := n.sentinel.Names("mm", n.redis[1].Addr()); err != nil {
			return err
		}
		if err := n.redis[1].IsMaster(); err != nil {
			return err
		}
		if err := n.redis[0].Follows(n.redis[1].Addr()); err != nil {
			return err
		}
		return n.redis[2].Follows(n.redis[1].Addr())
	})
}

// What surrounds SLAVEOF in its transaction is not permitted, or not known by
// its name: the replica is promoted all the same, the other re-pointed, the old
// master demoted when it is back. The original gives up, and tries again for
// ever, where the transaction is discarded as a whole.
//
// Rule: E-52, B-713.
func TestRefusedTransactionsDoNotStopAFailover(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		rules    string // of the user that the Sentinel has
		lines    []string
		original bool // it fails over, too
	}{
		{"no permission for CONFIG", "-config", nil, false},
		{"no permission for CLIENT", "-client|kill", nil, false},
		{"no permission for EXEC", "-exec", nil, false},
		{"no permission for MULTI", "-multi", nil, true},
		{"CONFIG renamed away", "", []string{`rename-command CONFIG ""`}, false},
		{"EXEC and DISCARD renamed away", "", []string{`rename-command EXEC ""`, `rename-command DISCARD ""`}, false},
	} {
		lines := append([]string{"user watcher on >secret allkeys allchannels +@all " + tc.rules}, tc.lines...)
		auth := []string{"sentinel auth-user mm watcher", "sentinel auth-pass mm secret"}
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			n := newTrio(t, testbed.Ours, lines, auth)
			begin := time.Now()
			n.redis[0].Kill()
			n.heard(t, begin, "+switch-master")
			require.NoError(t, n.redis[0].Up())
			n.inOrder(t)
		})
		t.Run("original, "+tc.name, func(t *testing.T) {
			t.Parallel()
			n := newTrio(t, testbed.Original, lines, auth)
			begin := time.Now()
			n.redis[0].Kill()
			if tc.original {
				n.heard(t, begin, "+switch-master")
				return
			}
			n.heard(t, begin, "+failover-state-wait-promotion")
			fixture.Until(t, 30*time.Second, func() error { // where EXEC is not known, its link is stuck
				if len(n.events.Named(begin, "", "-failover-abort-slave-timeout"))+len(n.events.Named(begin, "", "+sdown")) < 2 {
					return fmt.Errorf("it goes on")
				}
				return nil
			})
			require.Empty(t, n.events.Named(begin, "", "+promoted-slave"), "the original has changed")
		})
	}
}

// The old master is at its memory limit and takes no transaction: it is demoted
// all the same. With the original both go on as masters.
//
// Rule: E-52, E-57, R-17.
func TestAMasterAtItsMemoryLimitIsDemoted(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			n := newTrio(t, kind, []string{"repl-backlog-size 16kb"}, nil)
			_, err := n.redis[0].Do("CONFIG", "SET", "maxmemory", "1")
			require.NoError(t, err)
			begin := time.Now()
			_, err = n.sentinel.Do("SENTINEL", "FAILOVER", "mm")
			require.NoError(t, err)
			n.heard(t, begin, "+switch-master")
			if kind == testbed.Ours {
				n.inOrder(t)
				return
			}
			n.heard(t, begin, "+convert-to-slave")
			require.NoError(t, n.redis[1].IsMaster())
			require.NoError(t, n.redis[0].IsMaster(), "the original has changed")
		})
	}
}
