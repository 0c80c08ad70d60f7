package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// loner is a master with keys whose only replica has come back without data and
// cannot link to it.
func loner(t *testing.T, kind testbed.Kind) (master, replica *testbed.Redis, s *testbed.Sentinel, events *testbed.Events) {
	t.Helper()
	if kind == testbed.Original {
		fixture.NeedsOriginal(t)
	}
	bed := fixture.Bed(t)
	master, err := bed.Redis("redis1", testbed.RedisOptions{})
	require.NoError(t, err)
	replica, err = bed.Redis("redis2", testbed.RedisOptions{Master: master})
	require.NoError(t, err)
	for i := range 100 {
		_, err := master.Do("SET", fmt.Sprint("key", i), "value")
		require.NoError(t, err)
	}
	fixture.Until(t, 30*time.Second, func() error { // not while it saves for the replica
		_, err := master.Do("SAVE")
		return err
	})
	s, err = bed.Sentinel("sentinel", testbed.SentinelOptions{Kind: kind, Lines: []string{
		fmt.Sprintf("sentinel monitor mm %s %d 1", master.Host, master.Port),
		"sentinel down-after-milliseconds mm 2000",
		"sentinel failover-timeout mm 4000",
	}})
	require.NoError(t, err)
	events = &testbed.Events{}
	require.NoError(t, events.Follow(s))
	begin := time.Now()
	t.Cleanup(func() {
		events.Close()
		if t.Failed() {
			t.Log("\n" + events.Text(begin))
		}
	})
	fixture.Until(t, 30*time.Second, func() error { return s.Sees("mm", 1, 0) })

	replica.Kill()
	// The snapshot that it was given stays behind as its file.
	if err := os.Remove(filepath.Join(filepath.Dir(replica.Conf), "dump.rdb")); err != nil {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	f, err := os.OpenFile(replica.Conf, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("masterauth wrong\n") // the master has no password: it refuses any
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, replica.Up())
	fixture.Until(t, 30*time.Second, func() error {
		v, err := s.Do("SENTINEL", "REPLICAS", "mm")
		if err != nil {
			return err
		}
		r := testbed.Fields(v.Elems[0])
		if r["flags"] != "slave" || r["master-link-status"] != "err" {
			return fmt.Errorf("the replica is %s, its link %s", r["flags"], r["master-link-status"])
		}
		id, err := replica.Do("INFO", "server")
		if err == nil && !strings.Contains(id.Str, r["runid"]) {
			err = fmt.Errorf("its INFO is of before")
		}
		return err
	})
	return master, replica, s, events
}

// keys is how many keys an instance has.
func keys(t *testing.T, r *testbed.Redis) int64 {
	t.Helper()
	v, err := r.Do("DBSIZE")
	require.NoError(t, err)
	return v.Int
}

// A replica that has nothing is not promoted when the master with all the data
// dies, and so the master comes back with them. The original promotes it, and
// the master comes back to copy the emptiness. By hand ours does so too.
//
// Rule: B-711, E-50.
func TestANeverSynchronisedReplicaIsNotPromoted(t *testing.T) {
	t.Parallel()
	t.Run("original", func(t *testing.T) {
		t.Parallel()
		master, replica, s, _ := loner(t, testbed.Original)
		master.Kill()
		fixture.Until(t, 30*time.Second, func() error { return s.Names("mm", replica.Addr()) })
		require.NoError(t, master.Up())
		fixture.Until(t, 60*time.Second, func() error { return master.Follows(replica.Addr()) })
		require.Zero(t, keys(t, master), "the original has changed")
	})
	t.Run("ours", func(t *testing.T) {
		t.Parallel()
		master, replica, s, events := loner(t, testbed.Ours)
		begin := time.Now()
		master.Kill()
		fixture.Until(t, 30*time.Second, func() error {
			if len(events.Named(begin, "", "-failover-abort-no-good-slave")) == 0 {
				return fmt.Errorf("it goes on")
			}
			return nil
		})
		require.Empty(t, events.Named(begin, "", "+selected-slave"))
		require.Contains(t, s.Tail(1<<20), "it has never synchronised with the master")
		require.NoError(t, master.Up())
		fixture.Until(t, 30*time.Second, func() error {
			m, err := s.State("mm")
			if err == nil && m["flags"] != "master" {
				err = fmt.Errorf("%s", m["flags"])
			}
			return err
		})
		require.NoError(t, s.Names("mm", master.Addr()))
		require.EqualValues(t, 100, keys(t, master))
		require.Zero(t, keys(t, replica))
	})
	t.Run("by hand", func(t *testing.T) {
		t.Parallel()
		master, replica, s, _ := loner(t, testbed.Ours)
		master.Kill()
		fixture.Until(t, 30*time.Second, func() error {
			v, err := s.Do("SENTINEL", "FAILOVER", "mm")
			if err == nil && v.Str != "OK" {
				err = fmt.Errorf("%s", v.Str)
			}
			return err
		})
		fixture.Until(t, 30*time.Second, func() error { return s.Names("mm", replica.Addr()) })
		require.NoError(t, replica.IsMaster())
		require.Contains(t, s.Tail(1<<20), "SENTINEL FAILOVER promotes slave "+replica.Addr())
	})
}

// A replica that is restarted while the master is dead has lost its history of
// links, not its data and ids: it is promoted.
//
// Rule: B-711.
func TestARestartedReplicaIsPromoted(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		line string
		save bool
	}{
		{"with its file", `save 3600 1`, true},
		{"with an append-only file", "appendonly yes", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			bed := fixture.Bed(t)
			master, err := bed.Redis("redis1", testbed.RedisOptions{})
			require.NoError(t, err)
			replica, err := bed.Redis("redis2", testbed.RedisOptions{Master: master, Lines: []string{tc.line, "appendfsync always"}})
			require.NoError(t, err)
			_, err = master.Do("SET", "key", "value")
			require.NoError(t, err)
			fixture.Until(t, 30*time.Second, func() error {
				if n := keys(t, replica); n != 1 {
					return fmt.Errorf("%d keys", n)
				}
				return replica.Follows(master.Addr())
			})
			s, err := bed.Sentinel("sentinel", testbed.SentinelOptions{Lines: []string{
				fmt.Sprintf("sentinel monitor mm %s %d 1", master.Host, master.Port),
				"sentinel down-after-milliseconds mm 3000",
			}})
			require.NoError(t, err)
			fixture.Until(t, 30*time.Second, func() error { return s.Sees("mm", 1, 0) })
			master.Kill()
			if tc.save {
				_, err := replica.Do("SAVE")
				require.NoError(t, err)
			}
			fixture.Until(t, 30*time.Second, func() error { // its append-only file is whole
				v, err := replica.Do("INFO", "persistence")
				if err == nil && !(strings.Contains(v.Str, "aof_rewrite_in_progress:0") && strings.Contains(v.Str, "aof_rewrite_scheduled:0")) {
					err = fmt.Errorf("it is being rewritten")
				}
				return err
			})
			replica.Kill()
			require.NoError(t, replica.Up())
			require.EqualValues(t, 1, keys(t, replica))
			fixture.Until(t, 60*time.Second, func() error { return s.Names("mm", replica.Addr()) })
			require.EqualValues(t, 1, keys(t, replica))
		})
	}
}
