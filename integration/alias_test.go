package integration

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// Two of three Sentinels know the master by one address, the third by another.
// Nobody points the replica to the address that it knows itself, in the face of
// the others: with originals it is torn between the names of one server.
//
// Rule: R-24.
func TestNobodyRepointsByAnAlias(t *testing.T) {
	t.Parallel()
	for _, kind := range []testbed.Kind{testbed.Ours, testbed.Original} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			if kind == testbed.Original {
				fixture.NeedsOriginal(t)
			}
			alias(t, kind)
		})
	}
}

func alias(t *testing.T, kind testbed.Kind) {
	bed := fixture.Bed(t)
	if !bed.HasNetwork() {
		t.Skip("skipped for want of loopback addresses beyond 127.0.0.1")
	}
	name, other := bed.IP(1), bed.IP(2)
	master := must(bed.Redis("master", testbed.RedisOptions{Host: name, Bind: name + " " + other}))
	replica := must(bed.Redis("replica", testbed.RedisOptions{Master: master, Lines: []string{"replica-announce-ip 127.0.0.1"}}))
	fixture.Until(t, 20*time.Second, func() error { return replica.Follows(master.Addr()) })
	var sentinels []*testbed.Sentinel
	var events testbed.Events
	t.Cleanup(events.Close)
	begin := time.Now()
	for i, ip := range []string{name, name, other} {
		s := must(bed.Sentinel(fmt.Sprintf("sentinel%d", i+1), testbed.SentinelOptions{Kind: kind, Lines: []string{
			fmt.Sprintf("sentinel monitor mm %s %d 2", ip, master.Port), "sentinel failover-timeout mm 1000",
		}}))
		_, err := s.Do("SENTINEL", "DEBUG", "info-period", "100", "publish-period", "100")
		require.NoError(t, err)
		require.NoError(t, events.Follow(s))
		sentinels = append(sentinels, s)
	}
	for _, s := range sentinels {
		fixture.Until(t, 20*time.Second, func() error { return s.Sees("mm", 1, 2) })
	}
	if kind == testbed.Original {
		fixture.Until(t, 60*time.Second, func() error {
			if n := len(events.Named(begin, "", "+fix-slave-config")); n < 3 {
				return fmt.Errorf("re-pointed %d times", n)
			}
			return nil
		})
		return
	}
	looks(t, replica, 150) // five failover-timeouts, by three Sentinels
	require.Empty(t, events.Named(begin, "", "+fix-slave-config"))
	require.NoError(t, replica.Follows(master.Addr()))
}
