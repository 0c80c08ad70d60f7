package integration

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// Clients may take all descriptors but those that connections and saves need: a
// master that is restarted at once is not taken for dead, a setting is saved, and
// a client that finds no room is told so.
//
// Rule: C-76, B-310.
func TestClientsLeaveDescriptors(t *testing.T) {
	c := fixture.Cluster(t, fixture.Bed(t), testbed.ClusterOptions{})
	old := must(c.Master())
	before := must(c.Sentinels[0].State(c.Name))["runid"]
	var crowd []*testbed.Client
	t.Cleanup(func() {
		for _, client := range crowd {
			client.Close()
		}
	})
	var eyes []*testbed.Client // on each Sentinel one that was let in
	for _, s := range c.Sentinels {
		eye, err := s.Dial()
		require.NoError(t, err)
		eyes, crowd = append(eyes, eye), append(crowd, eye)
		limitFiles(t, s, 40)
		refused := false
		for !refused {
			client, err := testbed.DialTimeout(s.Addr(), s.Pass, 2*time.Second)
			require.NoError(t, err)
			crowd = append(crowd, client)
			_, err = client.Do("PING")
			refused = err != nil
			require.Less(t, len(crowd), 1000)
		}
	}
	begin := time.Now()
	old.Kill()
	require.NoError(t, old.Up())

	for k, s := range c.Sentinels {
		client := eyes[k]
		require.NoError(t, testbed.Until(20*time.Second, func() error {
			v, err := client.Do("SENTINEL", "MASTER", c.Name)
			if err != nil {
				return err
			}
			f := testbed.Fields(v)
			if f["flags"] != "master" || f["runid"] == before || f["runid"] == "" {
				return fmt.Errorf("%s sees %s, run id %s", s.Name, f["flags"], f["runid"])
			}
			return nil
		}))
		v, err := client.Do("SENTINEL", "SET", c.Name, "parallel-syncs", "3")
		require.NoError(t, err)
		require.Equal(t, "OK", v.Str)
		require.Equal(t, c.Name+" 3", must(s.Line("sentinel parallel-syncs")))
		log := s.Tail(1 << 20)
		require.Contains(t, log, "Clients are refused: ")
		require.NotContains(t, log, "not able to save")
	}
	require.Empty(t, c.Events.Named(begin, "", "+switch-master"))
	require.Empty(t, c.Events.Named(begin, "", "+try-failover"))
}

// limitFiles lets s open more descriptors than it has by now, but not many.
func limitFiles(t *testing.T, s *testbed.Sentinel, more int) {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.PID()))
	require.NoError(t, err)
	limit := syscall.Rlimit{Cur: uint64(len(open) + more), Max: uint64(len(open) + more)}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(s.PID()), syscall.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	require.Zero(t, errno)
}
