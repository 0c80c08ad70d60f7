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

// A file whose epochs are at their maximum: the original begins again at 0. Ours
// starts no failover of a dead master, says so, and leaves the file as it is.
//
// Rule: E-15, S-5.
func TestEpochsAtTheirMaximumInAFile(t *testing.T) {
	t.Parallel()
	const most = "18446744073709551615"
	bed := fixture.Bed(t)
	s, err := bed.Sentinel("sentinel", testbed.SentinelOptions{Lines: []string{
		fmt.Sprint("sentinel monitor mm 127.0.0.1 ", bed.Port(), " 1"),
		"sentinel down-after-milliseconds mm 100",
		"sentinel failover-timeout mm 1",
		"sentinel config-epoch mm 0",
		"sentinel leader-epoch mm 0",
		"sentinel known-sentinel mm 127.0.0.1 " + fmt.Sprint(bed.Port()) + " " + strings.Repeat("b", 40),
		"sentinel current-epoch " + most,
	}})
	require.NoError(t, err)
	fixture.Until(t, 20*time.Second, func() error {
		if log := s.Tail(1 << 20); !strings.Contains(log, "NO FAILOVER") {
			return fmt.Errorf("it has not been said")
		}
		return nil
	})
	v, err := s.Do("SENTINEL", "MASTER", "mm")
	require.NoError(t, err)
	require.Contains(t, testbed.Fields(v)["flags"], "o_down")
	require.NotContains(t, s.Tail(1<<20), "+try-failover")
	_, err = s.Do("SENTINEL", "FLUSHCONFIG")
	require.NoError(t, err)
	require.Contains(t, readText(t, s.Conf), "sentinel current-epoch "+most+"\n")
}

// A file whose times are at their maximum: nobody is ever down, and a failover
// by hand finds the replica good and promotes it. The original's sums overflow.
//
// Rule: C-55, B-311, B-711.
func TestTimesAtTheirMaximumInAFile(t *testing.T) {
	t.Parallel()
	const most = "9223372036854775807"
	bed := fixture.Bed(t)
	master, err := bed.Redis("redis1", testbed.RedisOptions{})
	require.NoError(t, err)
	replica, err := bed.Redis("redis2", testbed.RedisOptions{Master: master})
	require.NoError(t, err)
	s, err := bed.Sentinel("sentinel", testbed.SentinelOptions{Lines: []string{
		"sentinel monitor mm 127.0.0.1 " + portOf(master) + " 1",
		"sentinel down-after-milliseconds mm " + most,
		"sentinel failover-timeout mm " + most,
		"sentinel master-reboot-down-after-period mm " + most,
	}})
	require.NoError(t, err)
	fixture.Until(t, 30*time.Second, func() error { return s.Sees("mm", 1, 0) })
	fixture.Until(t, 20*time.Second, func() error {
		if v, err := s.Do("SENTINEL", "FAILOVER", "mm"); err != nil || v.Str != "OK" {
			return fmt.Errorf("%v %v", v.Str, err)
		}
		return nil
	})
	fixture.Until(t, 20*time.Second, func() error {
		v, err := s.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mm")
		if err != nil || len(v.Elems) != 2 || v.Elems[1].Str != portOf(replica) {
			return fmt.Errorf("the master is %v, %v", v, err)
		}
		return nil
	})
	require.NotContains(t, s.Tail(1<<20), "+sdown")
	fixture.Until(t, 20*time.Second, func() error {
		v, err := s.Do("SENTINEL", "MASTER", "mm")
		if err == nil && testbed.Fields(v)["flags"] != "master" {
			err = fmt.Errorf("flags %s", testbed.Fields(v)["flags"])
		}
		return err
	})
}
