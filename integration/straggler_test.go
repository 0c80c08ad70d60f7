package integration

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// One replica cannot link to the new master, which has another password: all
// Sentinels tell of the switch and show the new master long before
// failover-timeout, the third replica is re-pointed, and the straggler is done
// when its password is right. The original's leader waits for it.
//
// Rule: E-56, R-15, W-5.
func TestTheSwitchDoesNotWaitForAStraggler(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			if kind == testbed.Original {
				fixture.NeedsOriginal(t)
			}
			const timeout = 15 * time.Second
			c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{
				Replicas: 3, Kinds: []testbed.Kind{kind, kind, kind}, FailoverTimeout: timeout,
			})
			old, promoted, straggler := c.Redis[0], c.Redis[1], c.Redis[2]
			wrong := []*testbed.Redis{straggler}
			if kind == testbed.Original {
				wrong = c.Redis[1:] // it does not always choose the best, since INFO may be old (W-6)
			}
			for _, r := range wrong {
				_, err := r.Do("CONFIG", "SET", "masterauth", "wrong") // of use for new links only
				require.NoError(t, err)
			}
			begin := time.Now()
			old.Kill()
			heardOf(t, c, begin, "+promoted-slave", 1)
			leader := c.Events.Named(begin, "", "+promoted-slave")[0].Node
			heardOf(t, c, begin, "+switch-master", 3)
			if kind == testbed.Original {
				require.NotEmpty(t, c.Events.Named(begin, leader, "+failover-end-for-timeout"), "the original has changed")
				return
			}
			require.Empty(t, c.Events.Named(begin, leader, "+failover-end-for-timeout"))
			for _, s := range c.Sentinels {
				m, err := s.State(c.Name)
				require.NoError(t, err)
				require.Equal(t, fmt.Sprint(promoted.Port), m["port"], s.Name)
			}
			// Its slot is given on after slave-reconf-timeout, long before the end.
			heardOf(t, c, begin, "+slave-reconf-done", 1)
			require.NoError(t, c.Redis[3].Follows(promoted.Addr()))
			_, err := straggler.Do("CONFIG", "SET", "masterauth", "")
			require.NoError(t, err)
			fixture.Until(t, 30*time.Second, func() error { return straggler.Follows(promoted.Addr()) })
			require.NoError(t, old.Up())
			require.NoError(t, c.Settle(60*time.Second))
		})
	}
}

// The leader of such a failover is killed right after the switch: the replica
// that was not told yet is re-pointed all the same.
//
// Rule: E-56, E-59.
func TestTheLeaderDiesWithAStragglerLeft(t *testing.T) {
	t.Parallel()
	for _, back := range []bool{false, true} {
		t.Run(fmt.Sprintf("it comes back %v", back), func(t *testing.T) {
			t.Parallel()
			c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{Replicas: 3, FailoverTimeout: 15 * time.Second})
			old, promoted, straggler := c.Redis[0], c.Redis[1], c.Redis[2]
			_, err := straggler.Do("CONFIG", "SET", "masterauth", "wrong")
			require.NoError(t, err)
			begin := time.Now()
			old.Kill()
			heardOf(t, c, begin, "+promoted-slave", 1)
			name := c.Events.Named(begin, "", "+promoted-slave")[0].Node
			fixture.Until(t, 30*time.Second, func() error {
				if len(c.Events.Named(begin, name, "+switch-master")) == 0 {
					return fmt.Errorf("%s has not switched", name)
				}
				return nil
			})
			for _, s := range c.Sentinels {
				if s.Name == name {
					s.Kill()
					if back {
						require.NoError(t, s.Up())
					}
				}
			}
			fixture.Until(t, 60*time.Second, func() error { return c.Redis[3].Follows(promoted.Addr()) })
			_, err = straggler.Do("CONFIG", "SET", "masterauth", "")
			require.NoError(t, err)
			fixture.Until(t, 60*time.Second, func() error { return straggler.Follows(promoted.Addr()) })
			m, err := c.Master()
			require.NoError(t, err)
			require.Equal(t, promoted, m)
		})
	}
}
